"""The whole way of live numbers: a feed, ingest and Daphne as processes, and clients that come back by themselves."""

import asyncio
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from accounts.models import User
from accounts.tokens import AccessToken
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.sessions import ensure_simulated_sessions
from fo_analytics.topics import chain_topic
from streaming.state import read_state
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import TickProducer
from tests.faults.market import START_SECONDS, Market, django_on
from tests.integration.serving import APPLICATION, command
from tests.rig.data import REPOSITORY
from tests.rig.servers import child_environment
from tests.websocket.mirror import Mirror
from tradingviz.core.clock import now_ms
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.processes import end_child, has_exited, spawn, wait_until

SYMBOL, SPOT, STEP, RUNGS = "NIFTY", 25_000.0, 50.0, 41
TICKS_EVERY = 0.1
AGAIN_SECONDS = (0.2, 1.0)
PATIENCE_SECONDS = 60.0  # for what nothing is promised of


@dataclass(frozen=True, slots=True)
class Listed:
    """The contracts: token and strike of each, None for the index itself; and whose expiry they have."""

    expiry: date
    contracts: tuple[tuple[int, float | None, str], ...]

    @property
    def topic(self) -> str:
        """The topic of the chain."""
        return chain_topic(SYMBOL, self.expiry)


def list_market(today: date) -> Listed:
    """Put an index and one expiry of options into Django's database, in a market that never closes."""
    ensure_simulated_sessions(first=today, last=today + timedelta(days=10))
    expiry = today + timedelta(days=3)
    strikes = [SPOT + STEP * (rung - RUNGS // 2) for rung in range(RUNGS)]
    keys = [ContractKey(SYMBOL, "SPOT")]
    keys += [ContractKey(SYMBOL, kind, expiry, strike) for strike in strikes for kind in ("CE", "PE")]
    tokens = ensure_instruments(keys=keys, seen_on=today)
    return Listed(expiry, tuple((tokens[key], key.strike, key.kind) for key in keys))


def token_of_a_user() -> str:
    """Return credentials that outlive the tests."""
    token = AccessToken.for_user(User.objects.create_user("watcher"))
    token.set_exp(lifetime=timedelta(hours=2))
    return str(token)


class Feed(threading.Thread):
    """Sends a tick of every contract ten times a second; what Redis does not take is lost.

    They are stamped now, or `late_ms` ago.
    """

    def __init__(self, url: str, listed: Listed) -> None:
        super().__init__(name="feed", daemon=True)
        self.silent = threading.Event()
        self.late_ms = 0
        self._end = threading.Event()
        self._url = url
        self._contracts = listed.contracts
        self._random = Random(5)
        self._spot = SPOT

    def run(self) -> None:
        """Send until `end`."""
        with redis.Redis.from_url(self._url, socket_timeout=2) as client:
            producer = TickProducer(client)
            while not self._end.wait(TICKS_EVERY):
                if not self.silent.is_set():
                    with suppress(redis.RedisError):
                        producer.send(self._tick(now_ms() - self.late_ms))

    def end(self) -> None:
        """Stop sending."""
        self._end.set()
        self.join()

    def _tick(self, ts: int) -> list[TickRow]:
        self._spot += self._random.uniform(-3, 3)
        return [self._row(token, strike, kind, ts) for token, strike, kind in self._contracts]

    def _row(self, token: int, strike: float | None, kind: str, ts: int) -> TickRow:
        if strike is None:
            return (token, ts, round(self._spot, 2), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, None)
        inside = max(0.0, self._spot - strike if kind == "CE" else strike - self._spot)
        price = round(inside + 150 * 0.5 ** (abs(strike - self._spot) / 300), 1)
        return (token, ts, price, 65.0, 65_000.0, price - 0.05, 65.0, price + 0.05, 65.0, None)


class Daphne:
    """A Daphne on a port of its own, that can be ended and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.log = log
        self._environment = environment
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it without waiting for it."""
        argv = command("daphne", self.port, APPLICATION)
        self.child = spawn(argv, log=self.log, environment=self._environment, cwd=REPOSITORY)

    def wait_until_it_works(self) -> None:
        """Return when it answers."""
        child = self.child
        assert child
        done = wait_until(lambda: has_exited(child) or self._listens(), seconds=START_SECONDS, pause=0.05)
        assert done, self.log.read_text()
        assert not has_exited(child), self.log.read_text()

    def stop(self) -> None:
        """End it in order."""
        if self.child:
            end_child(self.child, polite=signal.SIGTERM, seconds=20)
            self.child = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass
class Watcher:
    """A client that follows a chain, comes back when its socket ends, and goes on where it stood."""

    url: str
    listed: Listed
    mirror: Mirror = field(default_factory=Mirror)
    arrived: dict[int, float] = field(default_factory=dict)  # event time (ms) of a frame: seconds of the loop
    sockets: int = 0
    failures: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Follow until cancelled."""
        random = Random(3)
        while True:
            try:
                async with connect(self.url, open_timeout=5, compression=None) as connection:
                    self.sockets += 1
                    await self._follow(connection)
            except (OSError, WebSocketException, InvalidHandshake, TimeoutError) as error:
                self.failures.append(repr(error))
            await asyncio.sleep(random.uniform(*AGAIN_SECONDS))

    async def _follow(self, connection: ClientConnection) -> None:
        await connection.send(json.dumps(self._request()))
        async for message in connection:
            frame = self.mirror.take(message)
            if frame["type"] == "error":
                self.failures.append(frame["message"])
                return
            if frame["type"] in {"snapshot", "delta"}:
                self.arrived[frame["ts_event"]] = time.time()

    def _request(self) -> dict[str, Any]:
        asked = {"id": 1, "channel": "chain", "underlying": SYMBOL, "expiry": self.listed.expiry.isoformat()}
        held = self.mirror.positions.get(self.listed.topic)
        if held is None:
            return {"op": "subscribe", **asked}
        return {"op": "resume", "topic": self.listed.topic, "epoch": held[0], "seq": held[1], **asked}

    async def sees(self, after_ms: int, *, seconds: float) -> float:
        """Return how many seconds after an instant a frame of a later tick came; fail where none does in time."""
        until = time.monotonic() + seconds
        while not (found := [at for ts, at in list(self.arrived.items()) if ts > after_ms]):
            assert time.monotonic() < until, f"nothing came; sockets {self.sockets}, {self.failures[-3:]}"
            await asyncio.sleep(0.02)
        return min(found) - after_ms / 1000


@dataclass
class Stage:
    """Everything that runs, and who watches it."""

    market: Market
    listed: Listed
    daphne: Daphne
    token: str
    feed: Feed

    @property
    def url(self) -> str:
        """Where a client goes."""
        return f"ws://127.0.0.1:{self.daphne.port}/ws/fo/stream?token={self.token}"

    def watcher(self) -> Watcher:
        """Return a new client."""
        return Watcher(self.url, self.listed)

    async def is_same_as_fresh(self, watcher: Watcher) -> None:
        """Fail where a client's copy is not what a new client gets, once nothing moves any more."""
        self.feed.silent.set()
        try:
            await self._until_quiet(watcher)
            fresh = self.watcher()
            task = asyncio.create_task(fresh.run())
            try:
                topic = self.listed.topic
                await until(lambda: topic in fresh.mirror.documents)
                assert fresh.mirror.kinds(topic) == ["snapshot"]
                assert fresh.mirror.positions[topic] == watcher.mirror.positions[topic]
                assert fresh.mirror.documents[topic] == watcher.mirror.documents[topic]
            finally:
                task.cancel()
        finally:
            self.feed.silent.clear()

    async def _until_quiet(self, watcher: Watcher) -> None:
        """Wait until the client stands where Redis stands, and stays there."""
        since, held = time.monotonic(), None
        deadline = since + PATIENCE_SECONDS
        while time.monotonic() - since < 1.0:
            assert time.monotonic() < deadline, "it does not come to rest"
            with self.market.client() as client:
                state = read_state(client, self.listed.topic)
            now = watcher.mirror.positions.get(self.listed.topic)
            if now != held or state is None or now != tuple(state.position):
                since, held = time.monotonic(), now
            await asyncio.sleep(0.05)


async def until(condition: Any, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something; fail where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@contextmanager
def staged(market: Market, today: date) -> Iterator[Stage]:
    """Start everything; end it afterwards."""
    with django_on(market.settings):
        listed, token = list_market(today), token_of_a_user()
    environment = {**child_environment(market.settings, market.redis.url()), "RATE_LIMIT_PER_MINUTE": "100000"}
    daphne, feed = Daphne(environment, market.logs / "daphne.log"), Feed(market.redis.url(), listed)
    try:
        ingest = market.start_ingest()
        daphne.start()
        market.wait_until_it_works(ingest)
        daphne.wait_until_it_works()
        feed.start()
        yield Stage(market, listed, daphne, token, feed)
    finally:
        if feed.is_alive():
            feed.end()
        daphne.stop()
