"""A statement of a request ends after DB_STATEMENT_TIMEOUT_MS; one of a command runs as long as it likes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.serving import Web, serving
from tests.rig.data import REPOSITORY

SHOW = (
    "import django; django.setup()\n"
    "from django.db import connection\n"
    "cursor = connection.cursor(); cursor.execute('SHOW statement_timeout'); print(cursor.fetchone()[0])"
)


@pytest.fixture
def web(server_environment: dict[str, str], tmp_path: Path) -> Iterator[Web]:
    """A server whose statements may take half a second."""
    environment = {**server_environment, "DB_STATEMENT_TIMEOUT_MS": "500", "DB_POOL_SIZE": "2"}
    application = "tests.integration.limited:application"
    with serving("uvicorn", environment, tmp_path / "web.log", application=application) as found:
        yield found


def test_a_statement_that_takes_too_long_is_503_and_the_next_one_works(web: Web) -> None:
    for path in ("/tests/api", "/tests/page"):
        status, body, headers = web.get(f"{path}?seconds=30")
        assert (status, headers["Content-Type"]) == (503, "application/problem+json")
        assert json.loads(body)["detail"] == "this takes the database too long: ask for less at a time"
        assert web.get(f"{path}?seconds=0.01")[:2] == (200, b'"500ms"' if path == "/tests/api" else b"500ms")


def test_commands_are_not_limited(server_environment: dict[str, str]) -> None:
    environment = {**server_environment, "DB_STATEMENT_TIMEOUT_MS": "500"}
    command = [sys.executable, "-c", SHOW]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
