"""Servers for the client: uvicorn in the test's loop, uvicorn and Daphne as processes that can be stopped."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from streaming import freshness
from streaming.publisher import Publisher
from tests.client.application import Meddler, application, market
from tests.websocket.server import serve
from tradingviz.quickstart.preflight import free_port

REPOSITORY = Path(__file__).parents[2]
SERVES = "tests.client.application:application"
COMMANDS = {
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", SERVES],
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--lifespan", "off", SERVES],
}


class Process:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, kind: str, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self.log = log
        self._command = [sys.executable, "-m", *(part.format(port=self.port) for part in COMMANDS[kind])]
        self._environment = environment
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self._command, cwd=REPOSITORY, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._child.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"nothing listens: {self.log.read_text()}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop it: politely, or as a crash would."""
        if self._child:
            (self._child.kill if kill else self._child.terminate)()
            self._child.wait(timeout=20)
            self._child = None


@pytest.fixture
def publisher(redis_url: str) -> Iterator[Publisher]:
    """A publisher on the run's Redis."""
    with redis.Redis.from_url(redis_url) as client:
        yield Publisher(client)


@pytest.fixture
def meddler() -> Meddler:
    """What stands before the stream of `server`, with nothing in mind."""
    application.swallow = 0
    application.asked.clear()
    application.tokens.clear()
    return application


@pytest.fixture
def silence() -> Iterator[None]:
    """Ask the market of these tests, whichever was asked before."""
    before = list(freshness._registered)
    freshness.register(market)
    yield
    market.reason = None
    freshness._registered[:] = before


@pytest.fixture
async def server(redis_url: str, meddler: Meddler) -> AsyncIterator[str]:
    """Base URL of uvicorn in the test's loop."""
    async with serve(meddler) as url:
        yield url


@pytest.fixture(params=["uvicorn", "daphne"])
def process(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[Process]:
    """Each server as a process, running."""
    environment = {**os.environ, "REDIS_URL": redis_url, "ENVIRONMENT": "test"}
    server = Process(str(request.param), environment, tmp_path / "server.log")
    server.start()
    yield server
    server.stop()
    assert "Traceback" not in server.log.read_text()
