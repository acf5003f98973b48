"""/health of a real server while PostgreSQL, Redis and the ticker service end, hang, and come back."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

import pytest

from tests.faults.market import database_settings
from tests.integration.serving import Web, serving
from tests.rig.servers import child_environment, started
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.processes import signal_process, wait_until
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_postgres, throwaway_redis

T = TypeVar("T")
DATABASE = "watched"
NOTICED_S = 5.0
ANSWERED_S = 3.5  # three, and what a busy machine adds
ATTEMPTS = 3  # a machine that stands still for a moment does not do so again and again
# How PostgreSQL is reached says nothing of the others.
ANY_WEB = pytest.mark.parametrize("web", ["SOCKET"], indirect=True)


class Ticker(BaseHTTPRequestHandler):
    """Says what the test wants, after so many seconds."""

    status, seconds, port = 200, 0.0, 0

    def do_GET(self) -> None:
        time.sleep(self.seconds)
        self.send_response(self.status if self.path == "/health" else 404)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def postgres(programs: Installation) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this module alone, reached by a socket file."""
    server = throwaway_postgres(programs)
    with started(server):
        server.create_database(DATABASE)
        yield server


@pytest.fixture(scope="module")
def redis(programs: Installation) -> Iterator[EmbeddedRedis]:
    """A Redis of this module alone."""
    server = throwaway_redis(programs)
    with started(server):
        yield server


@pytest.fixture(scope="module")
def ticker() -> Iterator[type[Ticker]]:
    """A ticker service; `port` is where."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Ticker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Ticker.port = server.server_port
        yield Ticker
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=["HOST", "SOCKET"])
def web(
    request: pytest.FixtureRequest,
    postgres: EmbeddedPostgres,
    redis: EmbeddedRedis,
    ticker: type[Ticker],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Web]:
    """uvicorn, reaching PostgreSQL by TCP and by its socket file; its pool is warm."""
    place = database_settings(postgres, DATABASE)
    if request.param == "HOST":
        place["HOST"] = "127.0.0.1"
    url = f"http://127.0.0.1:{ticker.port}"
    environment = {**child_environment(place, redis.url()), "DB_POOL_SIZE": "4", "TICKER_SERVICE_URL": url}
    with serving("uvicorn", environment, tmp_path_factory.mktemp("web") / "web.log") as found:
        found.json("/health")
        yield found


def word_of(web: Web, name: str) -> Callable[[str], bool]:
    """Return what asks whether a word is now this one; fail where the answer takes too long."""

    def is_now(word: str) -> bool:
        return bool(quickly(lambda: web.json("/health"), ANSWERED_S)[name] == word)

    return is_now


def quickly(ask: Callable[[], T], seconds: float) -> T:
    """Return an answer that took no longer than so many seconds; fail where every one does."""
    took: list[float] = []
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        answer = ask()
        took.append(time.monotonic() - began)
        if took[-1] < seconds:
            return answer
    raise AssertionError(f"answers took {took} s, not {seconds}")


def becomes(web: Web, name: str, word: str, seconds: float = NOTICED_S) -> None:
    """Fail where a word is not this one within so many seconds."""
    is_now = word_of(web, name)
    assert wait_until(lambda: is_now(word), seconds=seconds), web.json("/health")


@contextmanager
def stuck_requests(web: Web, number: int = 8) -> Iterator[None]:
    """Sign in so many times at once, more often than there are threads; each waits for whoever hangs."""
    body = json.dumps({"username": "somebody", "password": "a guess"})

    def sign_in() -> None:
        with suppress(OSError, HTTPException):
            web.ask("POST", "/auth/token", body, timeout=60, headers={"Content-Type": "application/json"})

    with ThreadPoolExecutor(number) as pool:
        asked = [pool.submit(sign_in) for _ in range(number)]
        time.sleep(0.5)  # until they hang, which nothing tells from outside
        assert not any(each.done() for each in asked)
        yield


@contextmanager
def hanging(server: EmbeddedPostgres | EmbeddedRedis) -> Iterator[None]:
    """Stop a server with all its children: its sockets accept, and nobody speaks."""
    signal_family(server, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_family(server, signal.SIGCONT)


def signal_family(server: EmbeddedPostgres | EmbeddedRedis, what: signal.Signals) -> None:
    """Send a signal to a server and all its children."""
    assert server.child is not None
    for pid in _family(server.child.pid):
        signal_process(pid, what)


def _family(pid: int) -> list[int]:
    kids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, kids)]


def test_a_database_that_stops_is_noticed_and_so_is_its_return(web: Web, postgres: EmbeddedPostgres) -> None:
    becomes(web, "database", "healthy")
    postgres.stop()
    becomes(web, "status", "unhealthy")
    assert [web.get(path)[0] for path in ("/health", "/health/ready", "/health/live")] == [503, 503, 200]
    postgres.start()
    becomes(web, "database", "healthy")
    assert web.get("/health/ready")[0] == 200


def test_a_database_that_hangs_is_noticed_and_every_answer_is_quick(web: Web, postgres: EmbeddedPostgres) -> None:
    becomes(web, "database", "healthy")
    with hanging(postgres):
        becomes(web, "status", "unhealthy")
        paths = ("/health", "/health/ready", "/health/live")
        assert quickly(lambda: [web.get(path)[0] for path in paths], 2 * ANSWERED_S) == [503, 503, 200]
    becomes(web, "database", "healthy")


@ANY_WEB
def test_requests_that_hang_on_the_database_do_not_silence_health(web: Web, postgres: EmbeddedPostgres) -> None:
    becomes(web, "database", "healthy")
    with hanging(postgres), stuck_requests(web):
        assert quickly(lambda: web.get("/health/live")[0], 1.0) == 200
        assert quickly(lambda: web.get("/metrics")[0], ANSWERED_S) == 200
        becomes(web, "status", "unhealthy")
        signal_family(postgres, signal.SIGCONT)
    becomes(web, "database", "healthy")


@ANY_WEB
def test_requests_that_hang_on_redis_do_not_silence_health(web: Web, redis: EmbeddedRedis) -> None:
    becomes(web, "redis", "healthy")
    with hanging(redis), stuck_requests(web):
        assert quickly(lambda: web.get("/health/live")[0], 2.5) == 200
        becomes(web, "redis", "unhealthy")
    becomes(web, "redis", "healthy")


@ANY_WEB
def test_redis_that_stops_degrades_until_it_is_back(web: Web, redis: EmbeddedRedis) -> None:
    becomes(web, "redis", "healthy")
    redis.stop()
    becomes(web, "redis", "unhealthy")
    answer = web.json("/health")
    assert (answer["status"], answer["ingest"]) == ("degraded", "unhealthy")
    assert answer["ages_ms"] == {"ingest_heartbeat": None, "orders_heartbeat": None, "last_tick": None}
    redis.start()
    becomes(web, "redis", "healthy")


@ANY_WEB
def test_redis_that_hangs_degrades_and_every_answer_is_quick(web: Web, redis: EmbeddedRedis) -> None:
    becomes(web, "redis", "healthy")
    with hanging(redis):
        becomes(web, "redis", "unhealthy")
        assert web.json("/health")["status"] == "degraded"
    becomes(web, "redis", "healthy")


@ANY_WEB
@pytest.mark.parametrize(("status", "seconds"), [(500, 0.0), (503, 0.0), (200, 30.0)])
def test_a_ticker_service_that_fails_or_is_slow_degrades(
    web: Web, ticker: type[Ticker], status: int, seconds: float
) -> None:
    becomes(web, "ticker", "healthy")
    ticker.status, ticker.seconds = status, seconds
    try:
        becomes(web, "ticker", "unhealthy")
        assert web.json("/health")["status"] == "degraded"
    finally:
        ticker.status, ticker.seconds = 200, 0.0
    becomes(web, "ticker", "healthy", seconds=10)
