"""Real servers and requests that are too large, or that say where they are mounted."""

import http.client
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.db import connection

from tests.api.asking import PROBLEM
from tests.integration.serving import Web, serving
from tests.rig.servers import child_environment

ALLOWED, SENT, PIECE = 1 << 20, 48 << 20, 1 << 16
# What a server may hold of a request on its disk and in its memory; besides, there is what it sends and reads with.
MOST_GROWTH = 16 << 20
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["uvicorn", "daphne"])
def web(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[Web]:
    """A server that admits five requests a minute to an address."""
    environment = child_environment(connection.settings_dict, redis_url) | {
        "RATE_LIMIT_PER_MINUTE": "5",
        "RATE_LIMIT_ROUTES": "/health/live=100000,/static/*=100000",
        "TMPDIR": str(tmp_path),
    }
    with serving(request.param, environment, tmp_path / "web.log") as found:
        yield found
    assert "Traceback" not in found.log.read_text()


def held_by(process: psutil.Process) -> int:
    """Return the bytes in a process's memory and in its temporary files, which have no name."""
    held = process.memory_info().rss
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            held += link.stat().st_size if "(deleted)" in str(link.readlink()) else 0
    return held


def test_a_body_without_an_end_is_refused_and_not_stored(web: Web) -> None:
    process = psutil.Process(web.process.pid)
    before = held_by(process)
    most = before
    pipe = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    pipe.putrequest("POST", "/auth/token")
    pipe.putheader("Content-Type", "application/json")
    pipe.putheader("Transfer-Encoding", "chunked")
    pipe.endheaders()
    try:
        for _ in range(SENT // PIECE):
            pipe.send(b"%x\r\n%s\r\n" % (PIECE, b"x" * PIECE))
            most = max(most, held_by(process))
        pipe.send(b"0\r\n\r\n")
    except OSError:  # it was cut off, which a server may do
        pass
    else:
        answer = pipe.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (413, PROBLEM)
    finally:
        pipe.close()
    assert most - before < MOST_GROWTH
    assert web.get("/health/live")[0] == 200


def test_a_body_that_declares_its_size_is_refused_by_it(web: Web) -> None:
    status, _, headers = web.ask("POST", "/auth/token", "x" * (ALLOWED + 1))
    assert (status, headers["content-type"]) == (413, PROBLEM)


def test_a_body_of_the_greatest_size_is_read(web: Web) -> None:
    body = '{"username": "%s", "password": "x"}'
    body %= "x" * (ALLOWED - len(body) + 2)
    assert len(body) == ALLOWED
    status, _, _ = web.ask("POST", "/auth/token", body, headers={"Content-Type": "application/json"})
    assert status == 401  # nobody has so long a name


@pytest.mark.parametrize("header", ["Daphne-Root-Path", "X-Script-Name", "X-Forwarded-Prefix"])
def test_nobody_is_counted_for_another_path_than_is_answered(web: Web, header: str) -> None:
    found = {web.ask("GET", "/static/fo/indicators", headers={header: "/static"})[0] for _ in range(12)}
    assert found == {404}
