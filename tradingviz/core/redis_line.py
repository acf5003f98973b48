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
        self._opening = asyncio.Lock()

    async def call(self, *parts: Part) -> Any:
        """Send a command and return its answer, bytes for strings.

        Raise redis.ResponseError where Redis refuses it; redis.ConnectionError or redis.TimeoutError where no answer
        came, and then nobody knows whether it was carried out.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                wire = self._wire
                if wire is None or wire.closed:
                    wire = await self._opened()
                return await wire.send(parts)
        except TimeoutError as error:
            self.close()
            raise redis.TimeoutError("Redis does not answer") from error
        except OSError as error:
            raise redis.ConnectionError(str(error)) from error

    def close(self) -> None:
        """Hang up: what is still waiting fails."""
        if self._wire:
            self._wire.close()

    async def _opened(self) -> "_Wire":
        """Return an open wire that Redis knows; who comes meanwhile waits for the same one."""
        async with self._opening:
            if self._wire is None or self._wire.closed:
                wire = await _connected(self._place)
                try:
                    await _introduced(wire, self._place)
                except BaseException:
                    wire.close()
                    raise
                self._wire = wire
            return self._wire


async def _connected(place: Place) -> "_Wire":
    loop = asyncio.get_running_loop()
    if isinstance(place, UnixDomainSocketConnection):
        return (await loop.create_unix_connection(_Wire, place.path))[1]
    secured = place.ssl_context.get() if isinstance(place, SSLConnection) else None
    return (await loop.create_connection(_Wire, place.host, place.port, ssl=secured))[1]


async def _introduced(wire: "_Wire", place: Place) -> None:
    if place.password:
        await wire.send(("AUTH", *filter(None, (place.username, place.password))))
    if place.db:
        await wire.send(("SELECT", place.db))


class _Wire(asyncio.Protocol):
    """The connection: who waits stands in line."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._answers = hiredis.Reader(protocolError=redis.InvalidResponse, replyError=redis.ResponseError)

    @property
    def closed(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def send(self, parts: tuple[Part, ...]) -> asyncio.Future[Any]:
        if self._transport is None or self._transport.is_closing():
            raise redis.ConnectionError("the connection to Redis is closed")
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._transport.write(hiredis.pack_command(cast("Any", parts)))
        return answer

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

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
        while self._waiting:
            self._hand(redis.ConnectionError(str(exc or "Redis closed the connection")))

    def _hand(self, found: Any) -> None:
        """Give an answer to who waits longest. Who gave up waiting keeps the place in line: answers have no names."""
        answer = self._waiting.popleft()
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)
