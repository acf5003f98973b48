"""The reading end of topics, one per process: one blocking read over every topic somebody here watches.

A topic's state is read before its frames, and the frames after the state's position: nothing can fall in
between. A topic nobody watches is not read. When Redis goes away the hub tries until it is back and reads on
where it stood; where frames in between are lost it reads the state, and subscribers get snapshots.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streaming import draining, protocol
from streaming.domain.sequencing import Position
from streaming.freshness import Watch
from streaming.history import RESUME_SECONDS
from streaming.outbox import Outbox, message_of
from streaming.state import FIELD, decode_frame, frame_id, frames_key, read_states_async
from streaming.topics import Subscription
from streaming.views import Feed, Manner
from streaming.watched import announce
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.redis import async_client

logger = logging.getLogger(__name__)

# How long a read may block: for so long a topic watched for the first time waits at most.
POLL_MS = 100
FRAMES_PER_READ = 16
# How often sockets are checked for peers that do not read, and topics for silence.
CHECK_SECONDS = 1.0
WATCH_SECONDS = 0.5
ANNOUNCE_SECONDS = 2.0
RETRY_AFTER_SECONDS = 1.0
LINGER_SECONDS = RESUME_SECONDS
PLAIN = Manner()
# For so long, in seconds, the views of a topic are told of a frame before anybody else has a turn.
LONGEST_TURN = 0.005
FIRST_DELAY = 0.1
LONGEST_DELAY = 3.0

Connect = Callable[[], redis.asyncio.Redis]


class Hub:
    """Follows topics for the sockets of one event loop. Not thread-safe."""

    def __init__(
        self,
        connect: Connect = async_client,
        *,
        clock: Clock = now_ms,
        heartbeat_seconds: float = protocol.HEARTBEAT_SECONDS,
        linger_seconds: float | None = None,
    ) -> None:
        """For `linger_seconds` (LINGER_SECONDS) a topic is read on after its last socket: it may come back."""
        self.draining = False
        self._connect = connect
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self._linger_seconds = LINGER_SECONDS if linger_seconds is None else linger_seconds
        self._watch = Watch(clock)
        self._feeds: dict[str, Feed] = {}
        self._sockets: set[Outbox] = set()
        self._sources: dict[Outbox, dict[str, str]] = {}
        self._announced: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def topics(self) -> frozenset[str]:
        """What is being read."""
        return frozenset(self._feeds)

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        return len(self._sockets)

    def join(self, outbox: Outbox) -> None:
        """Send a socket heartbeats from now on."""
        self._sockets.add(outbox)
        self._ensure("heartbeat", self._beat)
        self._ensure("checks", self._check_sockets)
        self._ensure("watch", self._keep_watch)

    def leave(self, outbox: Outbox) -> None:
        """Forget a socket that went away, and everything it watches unless it comes back soon."""
        self._sockets.discard(outbox)
        followed = list(self._sources.get(outbox, ()))  # with those whose view failed: they have no slot
        for topic in followed:
            self._part(outbox, topic, keep=True)
        if followed:
            asyncio.get_running_loop().call_later(self._linger_seconds, self._sweep)

    def subscribe(
        self,
        outbox: Outbox,
        channel: str,
        subscription: Subscription,
        manner: Manner = PLAIN,
        resume: Position | None = None,
    ) -> bool:
        """Let a socket follow a topic, in place of the view of it that it had; raises what `project` does.

        Return whether it goes on from `resume`; otherwise it begins with a snapshot.
        """
        source = subscription.source or subscription.topic
        if self._sources.get(outbox, {}).get(subscription.topic, source) != source:
            self.unsubscribe(outbox, subscription.topic)
        feed = self._feeds.get(source) or Feed(asyncio.get_running_loop(), self._clock)
        resumed = feed.add(outbox, channel, subscription, manner, resume)
        self._feeds[source] = feed
        self._sources.setdefault(outbox, {})[subscription.topic] = source
        if subscription.market:
            self._watch.follow(source, feed, subscription.market)
            if stale := self._watch.said_of(source, subscription.topic):
                outbox.notice(subscription.topic, message_of(stale))
        if subscription.announced:
            self._announced.add(source)
            self._ensure("announcements", self._announce)
        self._ensure("reader", self._read)
        return resumed

    def unsubscribe(self, outbox: Outbox, topic: str) -> None:
        """Let a socket leave a topic; nothing happens where it does not follow it."""
        self._part(outbox, topic, keep=False)
        self._sweep()

    def _part(self, outbox: Outbox, topic: str, *, keep: bool) -> None:
        outbox.drop(topic)
        sources = self._sources.get(outbox, {})
        if feed := self._feeds.get(sources.pop(topic, "")):
            feed.discard(outbox, topic, keep=keep)
        if not sources:
            self._sources.pop(outbox, None)

    def _sweep(self) -> None:
        """Drop what nobody follows and nobody comes back for."""
        before = asyncio.get_running_loop().time() - self._linger_seconds
        for source, feed in list(self._feeds.items()):
            feed.sweep(before)
            if not feed.watched:
                del self._feeds[source]
                self._announced.discard(source)
                self._watch.forget(source)

    def drain(self) -> bool:
        """Tell every socket to come again elsewhere, and close it; let nobody in any more.

        Return whether there was any.
        """
        self.draining = True
        for outbox in self._sockets:
            outbox.answer(protocol.Draining(retry_after=RETRY_AFTER_SECONDS, ts_sent=self._clock()))
            outbox.close(protocol.Close.DRAINING)
        return bool(self._sockets)

    async def aclose(self) -> None:
        """Stop reading and beating.

        The reader ends where there is nothing left to read: a cancellation alone may get lost in a library.
        """
        for feed in self._feeds.values():
            feed.close()
        self._feeds.clear()
        self._announced.clear()
        self._sockets.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ensure(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a task that ends by itself when there is nothing left to do."""
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.get_running_loop().create_task(work(), name=f"hub {name}")

    async def _beat(self) -> None:
        count = 0
        while self._sockets:
            await asyncio.sleep(self._heartbeat_seconds)
            count += 1
            message = message_of(protocol.Heartbeat(count=count, ts_sent=self._clock()))
            for outbox in self._sockets:
                outbox.beat(message)

    async def _check_sockets(self) -> None:
        while self._sockets:
            await asyncio.sleep(CHECK_SECONDS)
            now = asyncio.get_running_loop().time()
            for outbox in list(self._sockets):
                outbox.check(now)

    async def _keep_watch(self) -> None:
        while self._sockets:
            await asyncio.sleep(WATCH_SECONDS)
            await self._watch.look()
        self._watch.rest()

    async def _announce(self) -> None:
        """Tell publishers which of the topics that are made on demand are watched."""
        async with self._connect() as client:
            while self._announced:
                try:
                    await announce(client, self._announced, now_ms=self._clock())
                except (redis.RedisError, OSError) as error:
                    logger.warning("what is watched was not announced: %s", error)
                await asyncio.sleep(ANNOUNCE_SECONDS)

    async def _read(self) -> None:
        """Read for as long as anything is watched, over as many connections as that takes."""
        delay = FIRST_DELAY
        while self._feeds:
            try:
                async with self._connect() as client:
                    # Our own delays are shorter than redis-py's and end as soon as Redis is back.
                    client.set_retry(Retry(NoBackoff(), 0))
                    while self._feeds:
                        await self._read_once(client)
                        delay = FIRST_DELAY
                continue
            except (redis.RedisError, OSError) as error:
                logger.warning("reading topics failed, trying again: %s", error, extra={"delay": delay})
            except Exception:
                logger.exception("reading topics failed on our side, trying again")
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, LONGEST_DELAY)

    async def _read_once(self, client: redis.asyncio.Redis) -> None:
        """Read the states that are missing, then one round of frames."""
        await self._check(client)
        after: dict[Any, Any] = {
            frames_key(topic): frame_id(position) for topic, feed in self._feeds.items() if (position := feed.position)
        }
        if not after:
            await asyncio.sleep(POLL_MS / 1000)
            return
        names = {frames_key(topic).encode(): topic for topic in self._feeds}
        reply: Any = await client.xread(after, count=FRAMES_PER_READ, block=POLL_MS)
        for key, entries in reply:
            for _, fields in entries:
                await self._deliver(names[key], fields)
                # Let the sockets send this frame before the next one would make them behind.
                await asyncio.sleep(0)

    async def _check(self, client: redis.asyncio.Redis) -> None:
        """Read the states of new topics and of those that missed something; again and again until there is one."""
        topics = [topic for topic, feed in self._feeds.items() if feed.lost]
        for topic, state in zip(topics, await read_states_async(client, topics), strict=True):
            if feed := self._feeds.get(topic):
                feed.adopt(state)

    async def _deliver(self, topic: str, fields: dict[bytes, bytes]) -> None:
        feed, clock = self._feeds.get(topic), asyncio.get_running_loop().time
        if feed is None:
            return
        try:
            began = clock()
            for _ in feed.take_in_turns(decode_frame(fields[FIELD])):
                if clock() - began > LONGEST_TURN:
                    await asyncio.sleep(0)
                    began = clock()
        except (msgspec.MsgspecError, KeyError):
            logger.warning("a frame of %s cannot be read", topic)
            feed.lose()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current() -> Hub:
    """Return the hub of the running event loop; a server process has one loop, so one hub."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        draining.arm(_hubs[loop].drain)
    return _hubs[loop]
