"""What waits to be sent on one socket, and the task that sends it.

Frames go straight to the ASGI server: Channels' dispatch hops to a thread for every message, which at a
thousand sockets costs more than the sending. Everything is bounded: one slot per topic, one heartbeat, and
answers only to requests, whose rate is limited.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from streaming import protocol
from streaming.domain.conflation import Slot

# The ASGI message of a frame; one object is shared by all sockets that get the frame.
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]

MAX_ANSWERS = 256
INTERNAL_ERROR = 1011  # RFC 6455
logger = logging.getLogger(__name__)


def message_of(frame: protocol.Frame) -> Message:
    """Return a frame as the ASGI message that sends it."""
    return {"type": "websocket.send", "text": protocol.encode(frame)}


class Outbox:
    """Sends answers first, then topics in the order they changed, then the heartbeat."""

    def __init__(self, send: Send) -> None:
        self.slots: dict[str, Slot[Message]] = {}
        self._send = send
        self._answers: deque[Message] = deque()
        self._changed: dict[str, None] = {}
        self._heartbeat: Message | None = None
        self._close_code: int | None = None
        self._wake = asyncio.Event()

    @property
    def closing(self) -> bool:
        """True once the socket has been told to close."""
        return self._close_code is not None

    def answer(self, frame: protocol.Ack | protocol.Error | protocol.TokenExpiring) -> None:
        """Queue an answer; a client that reads none of them is closed."""
        self._answers.append(message_of(frame))
        if len(self._answers) > MAX_ANSWERS:
            self._answers.clear()
            self.close(protocol.Close.TOO_SLOW)
        self._wake.set()

    def touch(self, topic: str) -> None:
        """Say that the topic's slot may have something to send."""
        self._changed[topic] = None
        self._wake.set()

    def drop(self, topic: str) -> None:
        """Send nothing of a topic any more."""
        self.slots.pop(topic, None)
        self._changed.pop(topic, None)

    def beat(self, message: Message) -> None:
        """Queue a heartbeat in place of an unsent one."""
        self._heartbeat = message
        self._wake.set()

    def close(self, code: protocol.Close) -> None:
        """Close the socket after the answers that wait; the first code counts."""
        if self._close_code is None:
            self._close_code = int(code)
        self._wake.set()

    async def run(self) -> None:
        """Send until the socket is closed. A socket that is gone ends this quietly."""
        try:
            while not self._finished():
                while (message := self._next()) is not None:
                    await self._send(message)
                if not self._finished():
                    await self._wake.wait()
                self._wake.clear()
            await self._send({"type": "websocket.close", "code": self._close_code})
        except Exception:
            # Each server has its own errors for a peer that left; with any other the socket must not stay
            # open mute.
            logger.debug("a socket could not be written", exc_info=True)
            with suppress(Exception):
                await self._send({"type": "websocket.close", "code": INTERNAL_ERROR})

    def _finished(self) -> bool:
        return self.closing and not self._answers

    def _next(self) -> Message | None:
        if self._answers:
            return self._answers.popleft()
        if self.closing:
            return None
        while self._changed:
            topic = next(iter(self._changed))
            del self._changed[topic]
            if (message := self.slots[topic].take()) is not None:
                return message
        heartbeat, self._heartbeat = self._heartbeat, None
        return heartbeat
