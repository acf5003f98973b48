"""uvicorn as the documentation starts it: it believes nobody's word for an address, and compresses nothing."""

import re
import shlex
from pathlib import Path

import pytest
from django.db import connection
from websockets.asyncio.client import connect

from tests.integration.serving import APPLICATION, UVICORN, Web, serving
from tests.rig.data import REPOSITORY
from tests.rig.servers import child_environment
from tests.security.people import People

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_documentation_starts_it_as_the_tests_do() -> None:
    (line,) = re.findall(r"^uvicorn .*", (REPOSITORY / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert shlex.split(line) == ["uvicorn", *UVICORN, APPLICATION]


async def test_an_address_that_a_client_of_this_machine_writes_is_not_believed_and_frames_are_not_compressed(
    people: People, redis_url: str, tmp_path: Path
) -> None:
    environment = child_environment(connection.settings_dict, redis_url) | {"RATE_LIMIT_PER_MINUTE": "3"}
    with serving("uvicorn", environment, tmp_path / "web.log") as web:
        found = [_asked_from(web, f"198.51.100.{n}") for n in range(8)]
        assert set(found) == {401, 429}
        url = f"ws://127.0.0.1:{web.port}/ws/fo/stream?token={people['owner'].token}"
        async with connect(url, compression="deflate") as socket:
            assert socket.protocol.extensions == []


def _asked_from(web: Web, address: str) -> int:
    """Return the status of a request that says whom it comes from."""
    return web.ask("GET", "/fo/indicators", headers={"X-Forwarded-For": address})[0]
