"""Frames that are too large, too many or no frames at all: they end a socket of their own, and hinder nobody else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed

from tests.integration.serving import Web, serving
from tests.rig.servers import child_environment
from tests.security.people import People
from tests.websocket.client import client_of

MALFORMED, FLOOD, LARGE = 1_000, 200, 20 << 20
# Close codes: ours, the protocol's for a message that is too large, and none where the connection was cut.
BAD_FRAMES, TOO_MANY, TOO_LARGE, CUT = 4400, 4429, 1009, 1006
MOST_GROWTH = 32 << 20
PATIENCE = 45.0
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_market")]


@pytest.fixture(params=["uvicorn", "daphne"])
def web(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> Iterator[Web]:
    """A server."""
    environment = child_environment(connection.settings_dict, redis_url) | {"RATE_LIMIT_PER_MINUTE": "1000000"}
    with serving(request.param, environment, tmp_path / "web.log") as found:
        yield found
    assert "Traceback" not in found.log.read_text()


async def ended_by(url: str, token: str, *messages: str | bytes) -> int | None:
    """Send messages without waiting for answers; return the code that the socket was closed with."""
    async with client_of(url, token=token, max_size=None) as client:
        try:
            for message in messages:
                await client.send_raw(message)
        except ConnectionClosed:
            pass
        return await client.code_within(PATIENCE)


async def test_bad_frames_end_their_own_socket_with_the_documented_code(people: People, web: Web) -> None:
    url, token = f"ws://127.0.0.1:{web.port}", people["owner"].token
    process = psutil.Process(web.process.pid)
    async with client_of(url, token=people["teammate"].token) as other:
        assert (await other.ask(op="ping", id=0))["type"] == "ack"
        await other.send_raw("{" * 8193)  # one of three
        assert (await other.until_type("ack", "error"))["code"] == "bad_frame"
        assert (await other.ask(op="ping", id=0))["type"] == "ack"
        assert await ended_by(url, token, *["x" * 8193] * 3) == BAD_FRAMES
        assert await ended_by(url, token, *[b"\x00\xff"] * 3) == BAD_FRAMES
        assert await ended_by(url, token, *["[" * 8000] * 3) == BAD_FRAMES
        subscribe = '{"op":"subscribe","id":1,"channel":"chain","underlying":"NIFTY"}'
        assert await ended_by(url, token, *[subscribe] * FLOOD) == TOO_MANY
        codes = await asyncio.gather(*(ended_by(url, token, *["{"] * 50) for _ in range(MALFORMED // 50)))
        assert set(codes) <= {BAD_FRAMES, TOO_MANY}
        assert await ended_by(url, token, b"x" * LARGE) in (TOO_LARGE, CUT)  # the servers' own limits
        before = process.memory_info().rss
        for _ in range(8):
            await ended_by(url, token, b"x" * LARGE)
        assert process.memory_info().rss - before < MOST_GROWTH
        assert (await other.ask(op="ping", id=1))["id"] == 1
