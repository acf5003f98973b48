"""A socket that comes back by itself, and what is followed over it."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tradingviz_client.backoff import Backoff, Next, after_close, after_status, floor_of
from tradingviz_client.credentials import Credentials, Provider
from tradingviz_client.errors import (
    ClientError,
    ConnectionLost,
    Forbidden,
    Rejected,
    RequestRefused,
    Unavailable,
)
from tradingviz_client.frames import Delta, Draining, Error, Format, Frame, Recovered, Snapshot, Stale, TokenExpiring
from tradingviz_client.link import Link
from tradingviz_client.outcome import Ended, passing
from tradingviz_client.subscription import LATER, Notice, Staleness, Subscription, Update
from tradingviz_client.urls import socket_url

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
MAX_FRAME_BYTES = 32 << 20
# A connection that lasted so long ends the count of failures.
STEADY_SECONDS = 30.0


def _nothing(topic: str, staleness: Staleness) -> None:
    """Tell nobody."""


class Client:
    """Follows channels of a server, from `async with` to its end. One event loop, one socket.

    `token`: an access token, or a callable that returns a fresh one each time (see Login); or an `api_key`. The server
    is looked for again and again until it is there; where coming again is no use (Unauthenticated, Forbidden, Rejected)
    whoever follows something gets the error. `on_stale` and `on_recovered` are called with the topic and why, before
    the update that says so is yielded.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Provider | None = None,
        api_key: str | None = None,
        on_stale: Notice = _nothing,
        on_recovered: Notice = _nothing,
        backoff: Backoff | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        source = token if token is not None else api_key
        if source is None or (token is not None and api_key is not None):
            raise ValueError("either a token or an api_key is needed")
        self._url = socket_url(url)
        self._credentials = Credentials(source)
        self._notices = (on_stale, on_recovered)
        self._backoff = backoff or Backoff()
        self._silence_seconds = 3 * heartbeat_seconds
        self._subscriptions: list[Subscription] = []
        self._topics: dict[str, Subscription] = {}
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._retry_after = 0.0
        self._status = "not connected yet"

    @property
    def status(self) -> str:
        """How the connection is, for people to read."""
        return self._status

    @property
    def connected(self) -> bool:
        """Whether there is a socket now."""
        return self._link is not None

    async def __aenter__(self) -> Self:
        """Begin to look for the server."""
        self._task = asyncio.create_task(self._run(), name="tradingviz client")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket; whoever still follows something gets ConnectionLost."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._fail(ConnectionLost("the client is closed"))

    def chain(
        self,
        underlying: str,
        expiry: str | None = None,
        *,
        levels: int | None = None,
        convention: str | None = None,
        interval_ms: int | None = None,
        format: Format = "msgpack",  # noqa: A002 - the protocol's word
    ) -> AsyncGenerator[Update, None]:
        """Follow the chain of an expiry (label or date; the nearest), `levels` strikes on each side of the money.

        `convention` is `exact` or `nse`; the server's default is `exact`.
        """
        asked = {"underlying": underlying, "expiry": expiry, "levels": levels, "convention": convention}
        params = {name: value for name, value in asked.items() if value is not None}
        return self.follow("chain", interval_ms=interval_ms, format=format, **params)

    async def follow(
        self,
        channel: str,
        *,
        interval_ms: int | None = None,
        format: Format = "msgpack",  # noqa: A002 - the protocol's word
        **params: Any,
    ) -> AsyncGenerator[Update, None]:
        """Yield the documents of any channel: the newest one, whenever it or its staleness changed.

        Raises RequestRefused where the server does not meet the request. Ends the subscription when it is closed.
        """
        manner = {"format": format} | ({} if interval_ms is None else {"interval_ms": interval_ms})
        subscription = self._begin({**params, "channel": channel, **manner})
        try:
            while True:
                yield await subscription.next()
        finally:
            self._leave(subscription)

    async def ping(self) -> float:
        """Return the seconds to the server and back; raise ConnectionLost where there is no connection."""
        if self._link is None:
            raise ConnectionLost(self._status)
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._link.ask(op="ping")
        return clock() - began

    # What is followed

    def _begin(self, request: dict[str, Any]) -> Subscription:
        subscription = Subscription(request, *self._notices)
        if self._failure:
            raise self._failure
        self._subscriptions.append(subscription)
        if self._link:
            self._open(self._link, subscription)
        return subscription

    def _open(self, link: Link, subscription: Subscription) -> None:
        """Ask for a subscription, again or for the first time."""
        if subscription in self._subscriptions and link is self._link and subscription.asked in (None, LATER):
            link.post(subscription.ask, lambda answer: self._answered(link, subscription, answer))

    def _open_later(self, link: Link, subscription: Subscription, *, soon: bool) -> None:
        """Ask again; not at once where that has just been of no use. Frames until then are of the past."""
        if soon:
            self._open(link, subscription)
            return
        wait = self._backoff.delay(max(subscription.holes, 1), random.random(), floor=0.5)
        subscription.asked = LATER
        asyncio.get_running_loop().call_later(wait, self._open, link, subscription)

    def _answered(self, link: Link, subscription: Subscription, answer: Any) -> None:
        if isinstance(answer, Error):
            self._refused(link, subscription, answer)
            return
        other = self._topics.get(answer.topic)
        if other is not None and other is not subscription:
            # The server has put this view in the place of the other one, which gets it back.
            self._end(subscription, RequestRefused("already_subscribed", f"{answer.topic} is followed already"))
            other.restart()
            self._open(link, other)
            return
        if subscription not in self._subscriptions:
            self._unsubscribe(link, answer.topic)
            return
        if subscription.topic and self._topics.get(subscription.topic) is subscription:
            del self._topics[subscription.topic]
        self._topics[answer.topic] = subscription
        subscription.answered(answer)

    def _refused(self, link: Link, subscription: Subscription, error: Error) -> None:
        """A request that was met before will be met again, if the trouble is the server's."""
        subscription.asked = None
        if subscription.established and passing(error.code):
            subscription.restart()
            self._open_later(link, subscription, soon=False)
        elif error.code != "unauthenticated":  # then the socket closes
            self._end(subscription, RequestRefused(error.code, error.message))

    def _end(self, subscription: Subscription, error: Exception) -> None:
        self._forget(subscription)
        subscription.fail(error)

    def _leave(self, subscription: Subscription) -> None:
        if self._forget(subscription) and self._link and subscription.topic and subscription.asked in (None, LATER):
            self._unsubscribe(self._link, subscription.topic)

    def _forget(self, subscription: Subscription) -> bool:
        """Return whether it was the one that follows its topic."""
        with suppress(ValueError):
            self._subscriptions.remove(subscription)
        mine = subscription.topic is not None and self._topics.get(subscription.topic) is subscription
        if mine:
            self._topics.pop(subscription.topic or "")
        return mine

    def _unsubscribe(self, link: Link, topic: str | None) -> None:
        if topic not in self._topics:
            link.post(lambda id_: {"op": "unsubscribe", "id": id_, "topic": topic}, lambda answer: None)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        for subscription in list(self._subscriptions):
            self._end(subscription, self._failure)

    # The connection

    async def _run(self) -> None:
        """Be connected, until there is no use in trying."""
        failures, clock = 0, asyncio.get_running_loop().time
        try:
            while True:
                began = clock()
                ended = await self._visit()
                for subscription in self._subscriptions:
                    subscription.lose()
                failures = 1 if clock() - began > STEADY_SECONDS else failures + 1
                if ended.then is Next.RENEW:
                    self._credentials.refuse(ended.reason)
                elif ended.then is not Next.RETRY:
                    raise (Forbidden if ended.then is Next.FORBIDDEN else Rejected)(ended.reason)
                floor = max(ended.floor, self._retry_after)
                delay = self._backoff.delay(failures, random.random(), floor)
                self._status = f"{ended.reason}; trying again in {delay:.1f} s"
                logger.info("%s", self._status)
                await asyncio.sleep(delay)
        except Exception as error:  # noqa: BLE001 - also what a token provider raises: those who follow get it
            self._status = str(error)
            self._fail(error)

    async def _visit(self) -> Ended:
        """Connect and stay for as long as it goes well; return why it ended. Raises what a token provider raises."""
        self._retry_after = 0.0
        try:
            headers = {"Authorization": f"Bearer {await self._credentials.current()}"}
            async with connect(
                self._url, additional_headers=headers, compression=None, max_size=MAX_FRAME_BYTES, ping_interval=None,
                open_timeout=self._silence_seconds, close_timeout=1.0,
            ) as connection:  # fmt: skip
                await self._serve(Link(connection, self._silence_seconds))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            return Ended(
                after_close(code), f"the server closed the socket ({code or 'connection lost'})", floor_of(code)
            )
        except InvalidStatus as refused:
            status = refused.response.status_code
            return Ended(after_status(status), f"the server answered HTTP {status}")
        except Unavailable as error:
            return Ended(Next.RETRY, str(error), error.retry_after)
        except TimeoutError:
            return Ended(Next.RETRY, "the server is silent")
        except (OSError, InvalidHandshake) as error:
            return Ended(Next.RETRY, f"no connection: {error}")
        raise AssertionError("a connection ends by an exception")

    async def _serve(self, link: Link) -> None:
        """Take frames until the connection ends, which is an exception."""
        self._link, self._status = link, "connected"
        writer = asyncio.create_task(link.write())
        for subscription in list(self._subscriptions):
            self._open(link, subscription)
        try:
            async for frame in link.frames():
                if not (isinstance(frame, Error) and frame.code == "unauthenticated"):
                    self._credentials.accept()
                self._take(link, frame)
        finally:
            self._link = None
            writer.cancel()
            if self._renewal:
                self._renewal.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            link.end()

    def _take(self, link: Link, frame: Frame) -> None:
        if isinstance(frame, TokenExpiring):
            self._renewal = asyncio.create_task(self._renew(link))
        elif isinstance(frame, Draining):
            self._retry_after = frame.retry_after
        elif isinstance(topic := getattr(frame, "topic", None), str) and (subscription := self._topics.get(topic)):
            self._take_of(link, subscription, frame)

    def _take_of(self, link: Link, subscription: Subscription, frame: Frame) -> None:
        """Take what concerns one subscription."""
        if isinstance(frame, Snapshot | Delta):
            if not subscription.take(frame):
                logger.warning("a hole before %s %d: asking for all of it", frame.topic, frame.seq)
                self._open_later(link, subscription, soon=subscription.holes == 1)
        elif isinstance(frame, Stale):
            subscription.stale(Staleness(frame.reason, frame.ts_sent))
        elif isinstance(frame, Recovered):
            subscription.recover()
        elif isinstance(frame, Error) and frame.id is None:
            subscription.restart()
            self._open_later(link, subscription, soon=False)

    async def _renew(self, link: Link) -> None:
        """Present new credentials on the socket that is open. Where that fails the socket will close with 4401."""
        if not self._credentials.renewable:
            return
        try:
            await link.ask(op="auth", token=await self._credentials.renew())
        except (ClientError, OSError) as error:
            logger.warning("new credentials could not be presented: %s", error)
