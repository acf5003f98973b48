"""The ingest process: read, fold, publish, commit, acknowledge; again until told to stop.

Publishing and committing have each their own pace: the market is shown several times a second, a minute's rows are
written once it has ended. Whatever goes wrong has one remedy, that of a restart: everything in memory is let go of,
the database's rows are the state, and what was not acknowledged is read again.
"""

import logging
import os
import time
from collections import deque
from dataclasses import dataclass

import redis
from django.db import Error as DatabaseError
from django.db import connection

from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.ticks import FUTURE_TOLERANCE_MS
from fo_analytics.freshness import note_everything, note_stored
from fo_analytics.ingest.desk import Desk
from fo_analytics.ingest.engine import Engine, Rows
from fo_analytics.ingest.heard import read_heard, write_heard
from fo_analytics.ingest.heartbeat import Heartbeat, end_heartbeat, write_heartbeat
from fo_analytics.ingest.live import Live
from fo_analytics.ingest.marks import SecondMarks
from fo_analytics.ingest.master import SessionsChanged
from fo_analytics.ingest.ownership import Ownership
from fo_analytics.ingest.revival import unpublished
from fo_analytics.ingest.waiting import Waiting
from fo_analytics.ingest.writer import Writer
from streaming.ticker.codec import MalformedBatch, TickBatch, decode, join
from streaming.ticker.stream import TickEntry, TickReader, shard_of
from tradingviz.core.clock import Clock

logger = logging.getLogger(__name__)

MAX_ENTRIES_A_READ = 64
CLOSE_GRACE_MS = 1_000
# A commit stops everything else for about 50 ms; small underlyings share one.
ROWS_A_COMMIT = 1_500
ALL_TIME_MS = 1 << 62
RETRY_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0
# Times as long as it took, publishing rests: rows come first, all the more while entries wait.
REST, REST_BEHIND = 1.0, 3.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service works with, made by the command (or a test)."""

    reader: TickReader
    engine: Engine
    marks: SecondMarks
    writer: Writer
    live: Live
    ownership: Ownership
    redis: redis.Redis
    clock: Clock


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the service publishes and commits at most, in seconds; which of how many shards it works on."""

    publish: float
    commit: float
    shard: int = 0
    shards: int = 1


@dataclass(slots=True)
class _Round:
    """Commits under way: what has ended by `before_ms`, of the desks that are left; then the entries can go."""

    before_ms: int
    entries: list[TickEntry]
    desks: deque[Desk]


class IngestService:
    """One shard's ingest. A tick is acknowledged only after what it changed is committed."""

    def __init__(self, parts: Parts, pace: Pace) -> None:
        self._parts = parts
        self._pace = pace
        self._waiting = Waiting()
        self._round: _Round | None = None
        self._publish_at = self._commit_at = self._beat_at = 0.0
        self._is_owner = False
        self._said_waiting = False
        self._stopping = False

    def stop(self) -> None:
        """End the loop after the current batch; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until stopped. Redis or PostgreSQL away: begin again with what is not acknowledged."""
        try:
            while not self._stopping:
                self._step_or_recover()
            self._end()
        finally:
            self._parts.ownership.release()

    def _step_or_recover(self) -> None:
        try:
            self.step()
        except SessionsChanged:
            logger.info("the session table changed: ingest begins again with it")
            self.recover()
        except (redis.RedisError, DatabaseError) as error:
            logger.warning("ingest waits: %s", error, extra={"kind": type(error).__name__})
            self.recover()
            time.sleep(RETRY_SECONDS)

    def recover(self) -> None:
        """Let go of everything that is only in memory, of the shard, and of the connection."""
        self._parts.engine.forget_everything()
        self._parts.marks.forget()
        self._waiting.clear()
        self._round = None
        self._parts.ownership.release()
        self._is_owner = False
        connection.close()

    def _end(self) -> None:
        if not self._is_owner:
            return
        try:
            self.flush()
            end_heartbeat(self._parts.redis, shard=self._pace.shard)
        except (redis.RedisError, DatabaseError) as error:
            logger.warning("what was not committed comes again at the next start: %s", error)

    def step(self) -> None:
        """Read one batch of entries; publish and commit where it is time."""
        if not self._own_shard():
            time.sleep(RETRY_SECONDS)
            return
        now = time.monotonic()
        if now - self._beat_at >= HEARTBEAT_SECONDS:
            self.beat()
        entries = self.read()
        self._publish(behind=entries == MAX_ENTRIES_A_READ)
        idle = not entries
        if self._round is None and self._commit_is_due(idle=idle):
            self._begin_round(before_ms=ALL_TIME_MS if self._waiting.is_full else self._ended_ms())
        if self._round is not None:
            self._go_on(self._round)

    def _own_shard(self) -> bool:
        """Return whether the shard is ours; take over what its last owner left behind where it just became so."""
        if self._is_owner:
            return True
        if not self._parts.ownership.take_shard(self._pace.shard):
            if not self._said_waiting:
                logger.warning("another ingest works on shard %d: this one waits", self._pace.shard)
            self._said_waiting = True
            return False
        self._parts.reader.take_over()
        self._parts.engine.heard.remember(read_heard(self._parts.redis, shard=self._pace.shard))
        note_everything(self._parts.redis)
        self._revive()
        self._is_owner, self._said_waiting = True, False
        return True

    def _revive(self) -> None:
        """Publish what Redis does not know any more: the next tick may be days away."""
        parts, pace = self._parts, self._pace
        listings = parts.engine.master.listings.values()
        ours = [item for item in listings if shard_of(item.symbol, shards=pace.shards) == pace.shard]
        parts.live.begin(parts.redis, ours)
        for owner, day in unpublished(parts.redis, ours):
            desk = parts.engine.desk(owner, day) if parts.ownership.owns(owner) else None
            if desk is not None:
                parts.live.publish_stored(desk)

    def read(self) -> int:
        """Take the next entries in, and write down their marks; return how many there were."""
        self._parts.marks.look()
        entries = self._parts.reader.read(count=MAX_ENTRIES_A_READ, block_ms=max(1, int(self._pace.publish * 200)))
        decoded = [(entry.repairs, batch) for entry in entries if (batch := self._decoded(entry)) is not None]
        for repairs in (False, True):
            batches = [batch for kind, batch in decoded if kind is repairs]
            if batches:
                self._parts.engine.accept(join(batches), live=not repairs)
        self._parts.marks.flush()
        return len(entries)

    def _decoded(self, entry: TickEntry) -> TickBatch | None:
        """Note an entry as waiting; return its ticks, None where there are none to be had."""
        try:
            batch = decode(entry.payload)
        except MalformedBatch as error:
            self._parts.engine.events.add("malformed_batch", entry=entry.id.decode(), reason=str(error))
            batch = None
        newest = 0 if batch is None else int(batch.ts.max(initial=0))
        # A stamp of the far future is not accepted: nothing has to wait for it.
        self._waiting.add(entry, newest_ms=min(newest, self._parts.clock() + FUTURE_TOLERANCE_MS))
        return batch

    def _publish(self, *, behind: bool) -> None:
        """Publish the next underlying that is due; not while batches come again that were published before."""
        began = time.monotonic()
        if began < self._publish_at or self._parts.reader.catching_up:
            return
        if self._parts.live.publish_next(self._parts.engine.desks, every=self._pace.publish):
            ended = time.monotonic()
            self._publish_at = ended + (ended - began) * (REST_BEHIND if behind else REST)

    def _commit_is_due(self, *, idle: bool) -> bool:
        if self._waiting.is_full:
            return True
        rested = idle or time.monotonic() >= self._commit_at
        return rested and self._waiting.has_any(before_ms=self._ended_ms())

    def _ended_ms(self) -> int:
        """Return the instant by which a minute must have ended to be written: by the clock, or by ticks beyond it."""
        now = max(self._parts.clock(), self._parts.engine.newest_ts) - CLOSE_GRACE_MS
        return now - now % MINUTE_MS

    def _begin_round(self, *, before_ms: int) -> None:
        """Begin to commit the minutes that have ended by an instant."""
        entries = self._waiting.take(before_ms=before_ms)
        self._round = _Round(before_ms, entries, deque(self._parts.engine.unwritten()))

    def _go_on(self, commits: "_Round") -> None:
        """Commit the next part of a round; after the last, acknowledge the entries whose ticks are all in it.

        Raises redis.RedisError, django.db.Error: then `recover`.
        """
        parts, rows = self._parts, Rows()
        while commits.desks and len(rows) < ROWS_A_COMMIT:
            rows.add(parts.engine.take_rows(commits.desks.popleft(), before_ms=commits.before_ms))
        parts.writer.commit(rows)
        self._note_stored(rows)
        if not commits.desks:
            parts.reader.ack(commits.entries)
            parts.engine.forget_old_desks()
            self._round, self._commit_at = None, time.monotonic() + self._pace.commit

    def _note_stored(self, rows: Rows) -> None:
        """Let cached answers of what was committed end."""
        listings = self._parts.engine.master.listings
        touched = {(listings[owner].symbol, day) for owner, day in rows.days()}
        if touched:
            note_stored(self._parts.redis, touched)

    def flush(self) -> None:
        """Publish, commit and acknowledge everything read so far, the minute that is still open too."""
        self._parts.live.publish(self._parts.engine.desks)
        self._end_round()
        self._begin_round(before_ms=ALL_TIME_MS)
        self._end_round()

    def _end_round(self) -> None:
        while self._round is not None:
            self._go_on(self._round)

    def beat(self) -> None:
        """Say that this process lives, what it has done, and when it heard what. Raises redis.RedisError."""
        self._beat_at = time.monotonic()
        engine = self._parts.engine
        beat = Heartbeat(
            shard=self._pace.shard,
            pid=os.getpid(),
            ts=self._parts.clock(),
            ts_event=engine.newest_ts,
            ticks=engine.ticks_seen,
            bars=self._parts.writer.bars_written,
            published=self._parts.live.published,
            dropped=dict(engine.events.counts),
        )
        write_heartbeat(self._parts.redis, beat)
        write_heard(self._parts.redis, engine.heard, shard=self._pace.shard)
