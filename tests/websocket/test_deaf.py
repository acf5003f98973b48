"""Peers that take little or nothing of what is sent, so little that no server notices."""

import asyncio
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from streaming import outbox
from streaming.publisher import Publisher
from tests.websocket.client import client_of

# What the kernels and the server are left with: far below what either server calls full.
FRAMES, FRAME_BYTES = 6, 20_000


@pytest.fixture
def impatient(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """uvicorn, whose sockets may be deaf for two seconds."""
    monkeypatch.setattr(outbox, "DEAF_SECONDS", 2.0)
    return server


@pytest.fixture(params=[("impatient", 5.0), ("daphne", 13.0)], ids=["uvicorn", "daphne"])
def waiting(request: pytest.FixtureRequest) -> tuple[str, float]:
    """Each server in turn, and after how many seconds it must have lost its patience."""
    which, seconds = request.param
    return str(request.getfixturevalue(which)), seconds


def narrow(url: str) -> dict[str, Any]:
    """Return how to connect with room for some kilobytes that were not read."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    parts = urlsplit(url)
    line.connect((parts.hostname, parts.port))
    return {
        "sock": line,
        "max_queue": 1,
        "max_size": None,
        "compression": None,
        "ping_interval": None,
        "close_timeout": 1,
    }


async def send_little(publisher: Publisher) -> None:
    for n in range(FRAMES):
        publisher.publish("numbers:big", {"x": f"{n}" * FRAME_BYTES}, ts_event=17, convention="exact")
        await asyncio.sleep(0.1)


async def test_who_takes_nothing_is_closed_however_little_waits(
    waiting: tuple[str, float], publisher: Publisher
) -> None:
    url, seconds = waiting
    async with client_of(url, **narrow(url)) as deaf, client_of(url) as beside:
        await deaf.subscribe("big")
        await send_little(publisher)
        await asyncio.sleep(seconds)
        with suppress(ConnectionClosed):
            assert await deaf.code_within(2) in {4408, 1006}  # the connection may go before the code can pass
        assert (await beside.ask(op="ping", id=1))["type"] == "ack"


async def test_who_takes_a_little_now_and_then_stays(impatient: str, publisher: Publisher) -> None:
    async with client_of(impatient, **narrow(impatient)) as slow:
        await slow.subscribe("big")
        for n in range(12):
            publisher.publish("numbers:big", {"x": f"{n}" * FRAME_BYTES}, ts_event=17, convention="exact")
            await asyncio.sleep(0.7)
            await slow.frame()
        assert (await slow.ask(op="ping", id=1))["type"] == "ack"
