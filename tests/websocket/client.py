"""A real client of a real server, on top of the `websockets` package."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.websocket.application import CHANNEL
from tests.websocket.mirror import Mirror

PATIENCE = 45.0
Json = dict[str, Any]


class Client:
    """Sends requests, takes frames into a mirror."""

    def __init__(self, connection: ClientConnection) -> None:
        self.mirror = Mirror()
        self._connection = connection

    async def send(self, **request: Any) -> None:
        """Send a request."""
        await self._connection.send(json.dumps(request))

    async def send_raw(self, message: str | bytes) -> None:
        """Send anything."""
        await self._connection.send(message)

    async def ask(self, **request: Any) -> Json:
        """Send a request and return the next frame that is not about a topic."""
        await self.send(**request)
        return await self.until_type("ack", "error")

    async def subscribe(self, name: Any, **params: Any) -> Json:
        """Follow a topic of the test channel; return the answer."""
        return await self.ask(**{"op": "subscribe", "id": name, "channel": CHANNEL, "name": name, **params})

    async def frame(self) -> Json:
        """Return the next frame. Heartbeats never end, so whoever waits for something else limits the whole wait."""
        return self.mirror.take(await self._connection.recv())

    async def until_type(self, *types: str) -> Json:
        """Return the next frame of these types."""
        async with asyncio.timeout(PATIENCE):
            while (frame := await self.frame())["type"] not in types:
                pass
        return frame

    async def until_document(self, topic: str, document: object) -> None:
        """Wait until the copy of a topic is this document."""
        async with asyncio.timeout(PATIENCE):
            while self.mirror.documents.get(topic) != document:
                await self.frame()

    async def closed_with(self) -> int | None:
        """Take frames until the server closes; return its code."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.frame()
        except ConnectionClosed:
            return self._connection.close_code

    async def code_within(self, seconds: float) -> int | None:
        """Return the code the server closes with, None where it keeps the socket for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self.closed_with()
        except TimeoutError:
            return None

    async def sleep(self, seconds: float) -> None:
        """Take no frame for a while."""
        await asyncio.sleep(seconds)

    def abort(self) -> None:
        """Vanish without a word."""
        self._connection.transport.abort()


@asynccontextmanager
async def client_of(
    url: str, *, token: str = "guest", query: str | None = None, **options: Any
) -> AsyncIterator[Client]:
    """Connect to a server's stream with `?token=`, or with another query."""
    asked = f"?token={token}" if query is None else query
    async with connect(f"{url}/ws/fo/stream{asked}", **options) as connection:
        yield Client(connection)
