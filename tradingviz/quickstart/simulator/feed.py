"""The loop that sends: every quarter of a second the ticks of what is subscribed, and the order updates."""

import logging
import threading
import time
from dataclasses import dataclass, field

import msgspec
import numpy as np
import redis

from streaming.ticker.stream import NobodyReads, TickStreams
from tradingviz.core.clock import Clock
from tradingviz.quickstart.simulator.books import wire_rows
from tradingviz.quickstart.simulator.faults import FLOODED, OFF, Fault, distort
from tradingviz.quickstart.simulator.market import FRAME_MS, Day, Market
from tradingviz.quickstart.simulator.noise import Ints
from tradingviz.quickstart.simulator.orders import updates

logger = logging.getLogger(__name__)

ORDERS_KEY = "orders:updates"
ORDERS_KEPT = 10_000
PATIENCE_S = 2.0
PAUSE_S = 1.0
BATCH = 1_000


@dataclass
class Feed:
    """What is subscribed and how it is sent. `run` is for a thread of its own; the rest may be called from any."""

    market: Market
    client: redis.Redis
    clock: Clock
    shards: int = 1
    tokens: frozenset[int] = frozenset()
    ticks: int = 0
    lost_frames: int = 0
    _fault: Fault = OFF
    _fault_ends: float = 0.0
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._streams = TickStreams(self.client, shards=self.shards, patience=PATIENCE_S)

    @property
    def fault(self) -> Fault:
        """Return what is wrong now."""
        if self._fault_ends and time.monotonic() >= self._fault_ends:
            self._fault, self._fault_ends = OFF, 0.0
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault_ends = 0.0 if fault.seconds is None else time.monotonic() + fault.seconds
        self._fault = fault

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped.set()

    def run(self) -> None:
        """Send each frame when its time has come; frames that could not be sent in time are left out."""
        frame = self.clock() // FRAME_MS
        while not self._stopped.wait(max(0.0, ((frame + 1) * FRAME_MS - self.clock()) / 1000)):
            newest = self.clock() // FRAME_MS
            self.lost_frames += max(0, newest - frame - 1)
            self._send_safely(newest, since=frame)
            frame = newest

    def _send_safely(self, frame: int, *, since: int) -> None:
        try:
            self.send(frame, since=since)
        except NobodyReads as error:
            logger.warning("ticks are left out: %s", error)
        except redis.RedisError as error:
            logger.warning("Redis does not take ticks: %s", error)
            self._stopped.wait(PAUSE_S)

    def send(self, frame: int, *, since: int) -> None:
        """Send the ticks of a frame, and the order updates after the frame `since`. Raises NobodyReads, RedisError."""
        ts = frame * FRAME_MS
        day = self.market.day_at(ts)
        rows = day.listing.rows_of(np.array(sorted(self.tokens), np.int64))
        quotes = self.market.quotes(day, *self._due(day, rows, frame))
        for batch in distort(list(wire_rows(self.market, day, quotes)), self.fault):
            for at in range(0, len(batch), BATCH):
                self._streams.send(batch[at : at + BATCH])
            self.ticks += len(batch)
        if self.fault.kind != "silence":
            self._send_orders(since * FRAME_MS, ts)

    def _due(self, day: Day, rows: Ints, frame: int) -> tuple[Ints, Ints]:
        """Return which rows tick in a frame, and the stamps of their ticks (ms UTC)."""
        if self.fault.kind != "flood":
            some = self.market.ticking(day, rows, frame)
            return some, np.full(len(some), frame * FRAME_MS)
        times = int(self.fault.factor or FLOODED)
        alive = rows[day.alive(rows, (frame + 1) * FRAME_MS - 1)]
        stamps = frame * FRAME_MS + np.arange(times) * FRAME_MS // times
        return np.tile(alive, times), np.repeat(stamps, len(alive))

    def _send_orders(self, after_ms: int, until_ms: int) -> None:
        for update in updates(self.market, after_ms=after_ms, until_ms=until_ms):
            payload = msgspec.msgpack.encode(update)
            self.client.xadd(ORDERS_KEY, {b"b": payload}, maxlen=ORDERS_KEPT, approximate=True)
