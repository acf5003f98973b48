"""The short way to a socket sends what the server itself would send, and is there on both servers."""

import asyncio
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from tests.websocket.processes import server_process
from tests.websocket.server import serve
from tests.websocket.short_way import MESSAGES, application

MOST = 16 << 20


async def received(connection: ClientConnection) -> list[str | bytes]:
    """Read slowly, so that the server has to keep what the kernel does not take."""
    await asyncio.sleep(0.3)
    return [message async for message in connection]


def is_all(messages: list[str | bytes]) -> bool:
    return messages == [message.get("text", message.get("bytes")) for message in MESSAGES]


async def test_past_uvicorn_every_message_arrives_whole_and_in_order() -> None:
    async with serve(application) as url, connect(url, compression=None, max_size=MOST, max_queue=1) as connection:
        assert is_all(await received(connection))
        assert connection.close_code == 1000


async def test_past_daphne_every_message_arrives_whole_and_in_order(redis_url: str, tmp_path: Path) -> None:
    way = "tests.websocket.short_way:application"
    with server_process("daphne", redis_url, tmp_path / "daphne.log", application=way) as running:
        async with connect(running.url, max_size=MOST, max_queue=1) as connection:
            assert is_all(await received(connection))
            assert connection.close_code == 1000


async def test_where_a_compression_was_agreed_on_there_is_no_short_way() -> None:
    async with serve(application) as url, connect(url, compression="deflate", max_size=MOST) as connection:
        assert await received(connection) == []
