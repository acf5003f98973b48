"""Servers of the test application: uvicorn in the test's own loop, Daphne as a process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from streaming.publisher import Publisher
from tests.websocket.application import application
from tests.websocket.server import serve
from tradingviz.quickstart.preflight import free_port

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def publisher(redis_url: str) -> Iterator[Publisher]:
    """A publisher on the run's Redis."""
    with redis.Redis.from_url(redis_url) as client:
        yield Publisher(client)


@pytest.fixture
async def server(redis_url: str) -> AsyncIterator[str]:
    """Base URL of uvicorn with the test application; it shares the test's loop and so its hub."""
    async with serve(application) as url:
        yield url


@pytest.fixture
def daphne(redis_url: str, tmp_path: Path) -> Iterator[str]:
    """Base URL of Daphne with the test application, a process of its own."""
    with daphne_with("tests.websocket.application:application", redis_url, tmp_path / "daphne.log") as url:
        yield url


@contextmanager
def daphne_with(application: str, redis_url: str, log: Path) -> Iterator[str]:
    """Run Daphne with an application; give its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application]
    environment = {**os.environ, "REDIS_URL": redis_url, "ENVIRONMENT": "test"}
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, child, log)
        yield f"ws://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(timeout=15)
    assert "Traceback" not in log.read_text()


def _wait_for(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert child.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nothing listens: {log.read_text()}")
