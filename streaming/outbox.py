"""What waits to be sent on one socket, and the task that sends it.

Frames go straight to the ASGI server: Channels' dispatch hops to a thread for every message, which at a
thousand sockets costs more than the sending. Everything is bounded: a few deltas per topic, one notice per topic, one
heartbeat, answers only to requests, whose rate is limited, and what the server itself holds unsent.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress

from streaming import metrics, protocol
from streaming.direct import line_of
from streaming.domain.conflation import Slot
from streaming.pressure import Message, Pressure, Send
from streaming.protocol import Format

__all__ = ["Message", "Outbox", "Send", "message_of"]

MAX_ANSWERS = 256
# Above this the server is given nothing more until the peer has read; what changes meanwhile is conflated.
HELD_BYTES = 256 << 10
MAX_HELD_BYTES = 1 << 20
ROOM_CHECK_SECONDS = 0.05
# A peer that takes nothing for so long is closed.
DEAF_SECONDS = 10.0
PARTING_SECONDS = 1.0
INTERNAL_ERROR = 1011  # RFC 6455
logger = logging.getLogger(__name__)

Answer = protocol.Ack | protocol.Error | protocol.TokenExpiring | protocol.Draining


def message_of(frame: protocol.Frame, wire: Format = "json") -> Message:
    """Return a frame as the ASGI message that sends it."""
    kind = protocol.kind_of(frame)  # for our own counts; servers look at what they know
    if wire == "json":
        return {"type": "websocket.send", "text": protocol.encode(frame), "kind": kind}
    return {"type": "websocket.send", "bytes": protocol.encode_as(wire, frame), "kind": kind}


class Outbox:
    """Sends answers first, then topics in turn, then notices about them, then the heartbeat.

    `owner` is the user whose socket it is, None for as long as nobody knows.
    """

    def __init__(self, send: Send) -> None:
        self.owner: int | None = None
        self.slots: dict[str, Slot[Message]] = {}
        self._send = send
        self._pressure = Pressure(send)
        self._line = line_of(send)
        self._answers: deque[Message] = deque()
        self._notices: dict[str, Message] = {}
        self._changed: dict[str, None] = {}
        self._heartbeat: Message | None = None
        self._close_code: int | None = None
        self._wake = asyncio.Event()
        self._sending_since: float | None = None
        self._taken: int | None = None
        self._taken_at = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def closing(self) -> bool:
        """True once the socket has been told to close."""
        return self._close_code is not None

    def start(self) -> None:
        """Send from now on, until `stop`."""
        self._task = asyncio.get_running_loop().create_task(self.run())

    def stop(self) -> None:
        """Send nothing any more."""
        if self._task:
            self._task.cancel()

    def answer(self, frame: Answer) -> None:
        """Queue an answer; a client that reads none of them is closed."""
        self._answers.append(message_of(frame))
        if len(self._answers) > MAX_ANSWERS:
            self._answers.clear()
            self.close(protocol.Close.TOO_SLOW)
        self._wake.set()

    def notice(self, topic: str, message: Message) -> None:
        """Queue what there is to say about a topic, in place of what was said before and is unsent."""
        self._notices[topic] = message
        self._wake.set()

    def touch(self, topic: str) -> None:
        """Say that the topic's slot may have something to send."""
        self._changed[topic] = None
        self._wake.set()

    def push(self, topic: str) -> None:
        """Say that the topic's slot has something to send, and send it at once where nothing is in the way."""
        self._changed[topic] = None
        if not self._send_directly():
            self._wake.set()

    def drop(self, topic: str) -> None:
        """Send nothing of a topic any more."""
        self.slots.pop(topic, None)
        self._changed.pop(topic, None)
        self._notices.pop(topic, None)

    def beat(self, message: Message) -> None:
        """Queue a heartbeat in place of an unsent one."""
        self._heartbeat = message
        if not self._send_directly():
            self._wake.set()

    def check(self, now: float) -> None:
        """Hang up where the peer has taken nothing for long (`now`: the loop's seconds)."""
        taken = self._pressure.taken()
        if taken is None or taken != self._taken:
            self._taken, self._taken_at = taken, now
        since = self._taken_at if self._sending_since is None else min(self._taken_at, self._sending_since)
        if now - since > DEAF_SECONDS:
            self._hang_up()

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
                    await self._pass_on(message)
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

    async def _pass_on(self, message: Message) -> None:
        """Give the server a message, and wait until there is room for the next one."""
        self._sending_since = asyncio.get_running_loop().time()
        await self._send(message)
        metrics.sent(message["kind"])
        while (held := self._pressure.unsent()) > HELD_BYTES:
            if held > MAX_HELD_BYTES:
                self._hang_up()
            await asyncio.sleep(ROOM_CHECK_SECONDS)
        self._sending_since = None

    def _send_directly(self) -> bool:
        """Send what waits past the task, which would have to be woken; return whether nothing is left."""
        if self._line is None or self._sending_since is not None:
            return False
        while self._line.free():
            if (message := self._next()) is None:
                return not self.closing
            self._line.write(message)
            metrics.sent(message["kind"])
        return False

    def _hang_up(self) -> None:
        """End the connection of a peer that does not read; it is told why as far as it still listens."""
        logger.info("a client was too slow", extra={"held": self._pressure.unsent()})
        self._sending_since = self._taken = None
        self._close_code = int(protocol.Close.TOO_SLOW)
        self.stop()
        self._task = asyncio.get_running_loop().create_task(self._part())

    async def _part(self) -> None:
        # uvicorn's `send` waits for the peer to read, which this one may never do.
        with suppress(Exception):
            async with asyncio.timeout(PARTING_SECONDS):
                await self._send({"type": "websocket.close", "code": self._close_code})
        self._pressure.abort()

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
                self._changed[topic] = None  # there may be more, but the others first
                return message
        if self._notices:
            return self._notices.pop(next(iter(self._notices)))
        heartbeat, self._heartbeat = self._heartbeat, None
        return heartbeat
