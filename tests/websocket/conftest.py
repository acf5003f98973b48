"""Servers of the test application: uvicorn in the test's own loop, Daphne as a process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis

from streaming.publisher import Publisher
from tests.websocket.application import application
from tests.websocket.processes import server_process
from tests.websocket.server import serve


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
    """Base URL of Daphne, a process of its own."""
    with server_process("daphne", redis_url, tmp_path / "daphne.log") as running:
        yield running.url
