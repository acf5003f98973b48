"""What the tests of the client share: publishing, following, and servers that do one thing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from streaming.publisher import Publisher
from tests.websocket.application import CHANNEL
from tradingviz_client import Backoff, Client, Update

TOPIC = "numbers:a"
PATIENCE = 45.0
QUICK = Backoff(first=0.01, longest=0.5)

Updates = AsyncGenerator[Update, None]


def publish(publisher: Publisher, n: int) -> None:
    """Publish the n-th document."""
    publisher.publish(TOPIC, {"n": n, "part": {"even": n % 2 == 0}}, ts_event=n, convention="exact")


def numbers(client: Client, **manner: Any) -> Updates:
    """Follow the numbers."""
    return client.follow(CHANNEL, name="a", **manner)


async def until(updates: Updates, n: int) -> list[Update]:
    """Take updates to the n-th document while it is live; every one on the way must be a whole document."""
    taken: list[Update] = []
    async with asyncio.timeout(PATIENCE):
        async for update in updates:
            document = update.document
            assert document == {"n": document["n"], "part": {"even": document["n"] % 2 == 0}}
            assert update.ts_event == document["n"]
            taken.append(update)
            if document["n"] == n and update.stale is None:
                return taken
    raise AssertionError("the updates ended")


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


def cut(client: Client) -> None:
    """Break the connection without a word."""
    assert client._link is not None
    client._link._connection.transport.abort()


@asynccontextmanager
async def answering(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve sockets by a handler: for what no server of ours does on demand."""
    async with serve(handler, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
