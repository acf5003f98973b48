"""The ingest process: read, fold, commit, publish, acknowledge; again until told to stop."""

import logging
import os
import time
from dataclasses import dataclass

import redis
from django.db import Error as DatabaseError
from django.db import connection

from fo_analytics.ingest.engine import Engine, Rows
from fo_analytics.ingest.heartbeat import Heartbeat, end_heartbeat, write_heartbeat
from fo_analytics.ingest.live import Live
from fo_analytics.ingest.writer import Writer
from streaming.ticker.codec import MalformedBatch, decode
from streaming.ticker.stream import TickEntry, TickReader
from tradingviz.core.clock import Clock

logger = logging.getLogger(__name__)

MAX_TICKS_A_FLUSH = 50_000
RETRY_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service works with, made by the command (or a test)."""

    reader: TickReader
    engine: Engine
    writer: Writer
    live: Live
    redis: redis.Redis
    clock: Clock


class IngestService:
    """One shard's ingest. A tick is acknowledged only after what it changed is committed and published."""

    def __init__(self, parts: Parts, *, shard: int, flush_ms: int) -> None:
        self._parts = parts
        self._shard = shard
        self._flush_seconds = flush_ms / 1000
        self._unacknowledged: list[TickEntry] = []
        self._rows = Rows()
        self._ticks_at_flush = 0
        self._flushed_at = 0.0
        self._beat_at = 0.0
        self._stopping = False

    def stop(self) -> None:
        """End the loop after the current batch; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until stopped. Redis or PostgreSQL away: keep what is not committed, try again."""
        while not self._stopping:
            try:
                self.step()
            except (redis.RedisError, DatabaseError) as error:
                logger.warning("ingest waits: %s", error, extra={"kind": type(error).__name__})
                connection.close()
                time.sleep(RETRY_SECONDS)
        self.flush()
        end_heartbeat(self._parts.redis, shard=self._shard)

    def step(self) -> None:
        """Read one batch of entries and flush where it is time."""
        if time.monotonic() - self._beat_at >= HEARTBEAT_SECONDS:
            self.beat()
        # Rows that could not be committed come first: nothing more is read until they are.
        idle = bool(self._rows) or not self.read()
        ticks = self._parts.engine.ticks_seen - self._ticks_at_flush
        due = time.monotonic() - self._flushed_at >= self._flush_seconds
        if self._unacknowledged and (due or idle or ticks >= MAX_TICKS_A_FLUSH):
            self.flush()

    def read(self) -> bool:
        """Take the next entries in; return whether there were any."""
        entries = self._parts.reader.read(count=64, block_ms=max(1, int(self._flush_seconds * 500)))
        for entry in entries:
            self._accept(entry)
        return bool(entries)

    def _accept(self, entry: TickEntry) -> None:
        try:
            self._parts.engine.accept(decode(entry.payload))
        except MalformedBatch as error:
            self._parts.engine.events.add("malformed_batch", entry=entry.id.decode(), reason=str(error))
        self._unacknowledged.append(entry)

    def flush(self) -> None:
        """Commit, publish, acknowledge. Raises redis.RedisError or django.db.Error; a later call goes on."""
        parts = self._parts
        if not self._rows:
            self._rows = parts.engine.take_rows()
        parts.writer.commit(self._rows)
        self._rows = Rows()
        parts.live.publish(parts.engine.desks)
        parts.reader.ack(self._unacknowledged)
        self._unacknowledged.clear()
        parts.engine.forget_old_desks()
        self._ticks_at_flush = parts.engine.ticks_seen
        self._flushed_at = time.monotonic()

    def beat(self) -> None:
        """Say that this process lives, and what it has done. Raises redis.RedisError."""
        self._beat_at = time.monotonic()
        engine = self._parts.engine
        beat = Heartbeat(
            shard=self._shard,
            pid=os.getpid(),
            ts=self._parts.clock(),
            ts_event=engine.newest_ts,
            ticks=engine.ticks_seen,
            bars=self._parts.writer.bars_written,
            published=self._parts.live.published,
            dropped=dict(engine.events.counts),
        )
        write_heartbeat(self._parts.redis, beat)
