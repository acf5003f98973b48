"""One connection to Redis that carries any number of commands at once, for what every request waits for.

redis-py gives a connection to one command after another and spends more time of Python on each than Redis needs to
answer. Where a connection leads, and how it is secured, is still redis-py's business: it reads the URL.
"""

import asyncio
from collections import deque
from typing import Any, cast

import hiredis
import redis
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection

Part = str | bytes | int
Place = Connection | UnixDomainSocketConnection


class RedisLine:
    """Commands of one event loop; answers come in the order of the commands.

    Opened by the first command, and again by the first one after it broke. No command is ever sent twice.
    """

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        """`url` as redis-py reads it; no answer, and no opening, is waited for longer than `timeout_s`."""
        self._place = cast("Place", ConnectionPool.from_url(url).make_connection())  # type: ignore[no-untyped-call]
        self._timeout_s = timeout_s
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[_Wire] | None = None

    async def call(self, *parts: Part) -> Any:
        """Send a command and return its answer, bytes for strings.

        Raise redis.ResponseError where Redis refuses it; redis.ConnectionError or redis.TimeoutError where no answer
        came, and then nobody knows whether it was carried out.
        """
        wire = self._wire
        if wire is None or wire.closed:
            wire = await self._opened()
        return await wire.send(parts)

    def close(self) -> None:
        """Hang up: what is still waiting fails."""
        if self._opening:
            self._opening.cancel()
        if self._wire:
            self._wire.close()

    async def _opened(self) -> "_Wire":
        """Return an open wire that Redis knows; all who come meanwhile wait for one attempt, and share its failure."""
        opening = self._opening
        if opening is None:
            opening = self._opening = asyncio.create_task(self._open())
            opening.add_done_callback(self._end_opening)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            if opening.cancelled():
                raise redis.ConnectionError("the connection to Redis is closed") from None
            raise

    async def _open(self) -> "_Wire":
        try:
            async with asyncio.timeout(self._timeout_s):
                self._wire = await _connected(self._place, self._timeout_s)
        except TimeoutError as error:
            raise redis.TimeoutError("Redis does not answer") from error
        except OSError as error:
            raise redis.ConnectionError(str(error)) from error
        return self._wire

    def _end_opening(self, opening: "asyncio.Task[_Wire]") -> None:
        """The next one opens again. A failure that nobody waits for any more is no news either."""
        self._opening = None
        if not opening.cancelled():
            opening.exception()


async def _connected(place: Place, timeout_s: float) -> "_Wire":
    """Return a wire to a place, with the password given and the database chosen."""
    loop, wire = asyncio.get_running_loop(), _Wire(timeout_s)
    if isinstance(place, UnixDomainSocketConnection):
        await loop.create_unix_connection(lambda: wire, place.path)
    else:
        secured = place.ssl_context.get() if isinstance(place, SSLConnection) else None
        await loop.create_connection(lambda: wire, place.host, place.port, ssl=secured)
    try:
        if place.password:
            await wire.send(("AUTH", *filter(None, (place.username, place.password))))
        if place.db:
            await wire.send(("SELECT", place.db))
    except BaseException:
        wire.close()
        raise
    return wire


class _Wire(asyncio.Protocol):
    """The connection: who waits stands in line, and who waits longest is watched over."""

    def __init__(self, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._answers = hiredis.Reader(protocolError=redis.InvalidResponse, replyError=redis.ResponseError)

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def send(self, parts: tuple[Part, ...]) -> asyncio.Future[Any]:
        if self._transport is None or self._transport.is_closing():
            raise redis.ConnectionError("the connection to Redis is closed")
        answer = self._loop.create_future()
        self._waiting.append((self._loop.time(), answer))
        self._transport.write(hiredis.pack_command(cast("Any", parts)))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_s, self._look)
        return answer

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def _look(self) -> None:
        """Hang up where the oldest command is overdue; one timer for all is cheaper than one for each."""
        self._watch = None
        if not self._waiting:
            return
        left = self._waiting[0][0] + self._timeout_s - self._loop.time()
        if left > 0:
            self._watch = self._loop.call_later(left, self._look)
        else:
            self._fail(redis.TimeoutError("Redis does not answer"))
            self.close()

    # ---------------------------------------------------------------- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses of it

    def data_received(self, data: bytes) -> None:
        self._answers.feed(data)
        try:
            while (found := self._answers.gets()) is not False:
                self._hand(found)
        except redis.InvalidResponse:  # whatever this is, it is no Redis
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._watch:
            self._watch.cancel()
        self._fail(redis.ConnectionError(str(exc or "Redis closed the connection")))

    # ---------------------------------------------------------------- answers

    def _fail(self, trouble: Exception) -> None:
        while self._waiting:
            self._hand(trouble)

    def _hand(self, found: Any) -> None:
        """Give an answer to who waits longest. Who gave up waiting keeps the place in line: answers have no names."""
        _, answer = self._waiting.popleft()
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)
