"""The feed: a thread that puts batches on the streams while the test breaks things."""

import threading
import time
from collections.abc import Sequence
from random import Random

import redis

from streaming.ticker.codec import TickRow
from streaming.ticker.stream import TickProducer
from tests.faults.recorded import Batch
from tradingviz.quickstart.processes import wait_until

# Enough that ingest never waits for the feed, little enough that there is something left to break.
BACKLOG = 256
# A fault later than this share of the feed might find everything done.
LAST_FAULT = 0.85
PATIENCE_SECONDS = 90.0


class Feeder(threading.Thread):
    """Sends batches in order, never more than `BACKLOG` of a shard ahead of its ingest.

    What Redis did not answer is sent again, so it may be there twice.
    """

    def __init__(self, url: str, batches: Sequence[Batch]) -> None:
        super().__init__(name="feeder", daemon=True)
        self.sent = 0
        self.failure: Exception | None = None
        self.shards = {shard for shard, _ in batches}
        self._batches = batches
        self._url = url
        self._end = threading.Event()

    @property
    def total(self) -> int:
        """How many batches there are."""
        return len(self._batches)

    def instants(self, random: Random, count: int) -> list[int]:
        """Return random places in the feed, in order: after ingest has begun, and well before the end."""
        return sorted(random.randrange(BACKLOG, int(self.total * LAST_FAULT)) for _ in range(count))

    def run(self) -> None:
        """Send everything, or keep the reason why not."""
        try:
            with redis.Redis.from_url(self._url, socket_timeout=5) as client:
                producers = {shard: self._producer(client, shard) for shard in self.shards}
                for shard, rows in self._batches:
                    self._send(producers[shard], rows)
                    self.sent += 1
        except Exception as failure:  # noqa: BLE001 - the test's thread tells
            self.failure = failure

    def wait_for(self, sent: int, *, seconds: float = 240.0) -> None:
        """Return when that many batches are sent; fail where the feed has stopped."""
        wait_until(lambda: self.sent >= sent or not self.is_alive(), seconds=seconds, pause=0.002)
        if self.sent < sent:
            raise AssertionError(f"the feed stands at batch {self.sent} of {self.total}") from self.failure

    def end(self) -> None:
        """Stop sending."""
        self._end.set()
        self.join()

    def _producer(self, client: redis.Redis, shard: int) -> TickProducer:
        return TickProducer(client, shard=shard, max_backlog=BACKLOG, patience=PATIENCE_SECONDS, sleep=self._pause)

    def _send(self, producer: TickProducer, rows: Sequence[TickRow]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return producer.send(rows)
            except (redis.ConnectionError, redis.TimeoutError):
                if time.monotonic() > deadline:
                    raise
                self._pause(0.05)

    def _pause(self, seconds: float) -> None:
        if self._end.wait(seconds):
            raise InterruptedError("the test has ended")
