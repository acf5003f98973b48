"""A subscriber of a hub without a server in between."""

import asyncio
from collections.abc import Callable
from typing import Any

from streaming.hub import Hub
from streaming.outbox import Message, Outbox
from streaming.topics import Subscription
from tests.websocket.mirror import Mirror

PATIENCE = 10.0


class Subscriber:
    """An outbox with a client at its other end that checks every frame; `hold` makes it stop reading."""

    def __init__(self, hub: Hub) -> None:
        self.mirror = Mirror()
        self.outbox = Outbox(self._send)
        self.closed_with: int | None = None
        self._reading = asyncio.Event()
        self._reading.set()
        self._arrived = asyncio.Event()
        self._hub = hub
        self._task = asyncio.create_task(self.outbox.run())
        hub.join(self.outbox)

    def subscribe(self, topic: str, **view: Any) -> None:
        """Follow a topic, on the channel `test`."""
        self._hub.subscribe(self.outbox, "test", Subscription(topic, **view))

    def hold(self) -> None:
        """Stop reading: the next send does not return."""
        self._reading.clear()

    def go_on(self) -> None:
        """Read again."""
        self._reading.set()

    async def until(self, reached: Callable[[Mirror], bool]) -> None:
        """Wait until the client's copy satisfies a condition."""
        async with asyncio.timeout(PATIENCE):
            while not reached(self.mirror):
                self._arrived.clear()
                await self._arrived.wait()

    async def until_document(self, topic: str, document: object) -> None:
        """Wait until the client's copy of a topic is this document."""
        await self.until(lambda mirror: mirror.documents.get(topic) == document)

    async def leave(self) -> None:
        """Go away."""
        self._hub.leave(self.outbox)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _send(self, message: Message) -> None:
        await self._reading.wait()
        if message["type"] == "websocket.close":
            self.closed_with = message["code"]
        else:
            self.mirror.take(message)
        self._arrived.set()
