"""One connection: requests out at a pace the server allows, answers to whoever asked, frames in."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection

from tradingviz_client.errors import ConnectionLost, RequestRefused
from tradingviz_client.frames import Ack, Error, Frame, decode, encode

# The server closes with 4429 above twenty a second. It counts when it comes to a request, which may be long after that
# was sent: so a request counts here until a second after its answer.
MESSAGES_PER_SECOND = 15
# What begins something that goes on: its answer may be said anew.
FOLLOWING = ("subscribe", "resume")

Answered = Callable[[Ack | Error], None]


class Link:
    """A socket from its opening to its end."""

    def __init__(self, connection: ClientConnection, silence_seconds: float) -> None:
        self._connection = connection
        self._silence_seconds = silence_seconds
        self._ids = count(1)
        self._waiting: dict[int, Answered] = {}
        self._standing: dict[int, Answered] = {}
        self._futures: set[asyncio.Future[Ack]] = set()
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._room = asyncio.Semaphore(MESSAGES_PER_SECOND)

    def post(self, make: Callable[[int], Mapping[str, Any]], answered: Answered) -> None:
        """Send what `make` returns for a new id; `answered` is called before any frame that comes after the answer.

        And again with every later answer under that id: a label that is followed has come to mean another topic.
        """
        request_id = next(self._ids)
        self._waiting[request_id] = answered
        self._outgoing.put_nowait(encode(make(request_id)))

    async def ask(self, **request: Any) -> Ack:
        """Send a request and return its answer; raise RequestRefused or ConnectionLost."""
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()

        def answered(answer: Ack | Error) -> None:
            if future.done():
                return
            if isinstance(answer, Error):
                future.set_exception(RequestRefused(answer.code, answer.message))
            else:
                future.set_result(answer)

        self._futures.add(future)
        self.post(lambda request_id: {**request, "id": request_id}, answered)
        try:
            return await future
        finally:
            self._futures.discard(future)

    async def write(self) -> None:
        """Send what is posted, until cancelled or the connection ends."""
        while True:
            message = await self._outgoing.get()
            await self._room.acquire()
            await self._connection.send(message)

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield frames, answers to requests too; TimeoutError where none came for `silence_seconds`."""
        while True:
            async with asyncio.timeout(self._silence_seconds):
                message = await self._connection.recv()
            if (frame := decode(message)) is None:
                continue
            if isinstance(frame, Ack | Error):
                self._answer(frame)
            yield frame

    def _answer(self, frame: Ack | Error) -> None:
        if not isinstance(frame.id, int):
            return
        answered = self._waiting.pop(frame.id, None)
        if answered:
            asyncio.get_running_loop().call_later(1.0, self._room.release)
            if isinstance(frame, Ack) and frame.op in FOLLOWING:
                self._standing[frame.id] = answered
        else:
            answered = self._standing.get(frame.id)
        if answered:
            answered(frame)

    def end(self) -> None:
        """Tell whoever waits for an answer that none will come."""
        for future in list(self._futures):
            if not future.done():
                future.set_exception(ConnectionLost("the connection was lost before the answer came"))
