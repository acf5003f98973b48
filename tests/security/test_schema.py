"""The OpenAPI document and the application agree, asked by somebody who does not know how to behave.

schemathesis makes requests from the document, right and wrong ones, with a token and without, of a real server.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.integration.serving import Web, serving
from tests.rig.servers import child_environment
from tests.security.people import People

# A connection to the database for each of the thousands of requests would take longer than its answer.
SERVED = {"RATE_LIMIT_PER_MINUTE": "1000000", "LOG_LEVEL": "WARNING", "DB_POOL_SIZE": "4"}
# Who has no token is refused before anything is read: the thousands of values at edges, nearly all for one answer, are
# left to who has one; what is open is asked for by both.
PHASES = {"with a token": ("examples,coverage,fuzzing", 5), "without": ("examples,fuzzing", 3)}
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_market")]


@pytest.fixture
def web(redis_url: str, tmp_path: Path) -> Iterator[Web]:
    """A server with something to answer."""
    environment = child_environment(connection.settings_dict, redis_url) | SERVED
    with serving("uvicorn", environment, tmp_path / "web.log") as found:
        yield found


@pytest.mark.parametrize("credentials", PHASES)
def test_every_answer_is_one_the_document_promises(people: People, web: Web, tmp_path: Path, credentials: str) -> None:
    phases, examples = PHASES[credentials]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{web.port}/openapi.json"]
    command += ["--checks=all", f"--phases={phases}", f"--max-examples={examples}", "--seed=20260203"]
    command += ["--exclude-checks=positive_data_acceptance"]  # an expiry may look right and be none
    command += ["--no-color", "--generation-database=none", "--workers=1"]
    if credentials == "with a token":
        command += ["--header", f"Authorization: Bearer {people['owner'].token}"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr
    assert "Traceback" not in web.log.read_text()
