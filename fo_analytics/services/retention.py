"""Retention: what is older than its table keeps is dropped, whole days at a time.

Days are exchange days, counted back from the newest stored minute and not from today: a replayed recording is not gone
the morning after. On a hypertable whole chunks are dropped; elsewhere, and for what shares a chunk with kept rows, rows
are deleted in small batches, so that nobody waits for long.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, models, transaction

from fo_analytics.domain.calendar import ist_date, ist_instant
from fo_analytics.domain.timeframes import ROLLUP_MINUTES
from fo_analytics.models import Bar, BarRollup, ChainMetric, RollupDue
from fo_analytics.queries import query

logger = logging.getLogger(__name__)

BATCH_ROWS = 50_000
# Dropping a chunk needs it for itself; whoever comes after a waiting drop waits too.
LOCK_TIMEOUT = "5s"
_CHUNK_EDGE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Expired:
    """What was dropped of a table, or would be: `first_kept` None means that all is kept."""

    table: str
    first_kept: date | None
    rows: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """A table and the days it keeps (0: all). `slices` are the parts in which an index finds rows by time."""

    table: str
    stored: models.QuerySet[Any]
    days: int
    slices: tuple[models.Q, ...] = (models.Q(),)

    def rows(self, *conditions: models.Q) -> models.QuerySet[Any]:
        """Return the rows that meet conditions, oldest first."""
        return self.stored.filter(*conditions).order_by("time")


def drop_expired_rows(*, dry_run: bool = False, batch_rows: int = BATCH_ROWS) -> list[Expired]:
    """Drop what the tables keep no longer; return what went, per table. `dry_run`: what would go.

    Safe to repeat; of several at once one works at a time. Days whose minutes are not rolled up yet are kept, and all
    after them. Raises django.db.Error, also where a chunk is in use for longer than LOCK_TIMEOUT; what is left is
    dropped the next time.
    """
    with nullcontext() if dry_run else _alone():
        newest = Bar.objects.order_by("-time").values_list("time", flat=True).first()
        return [_drop(kept, newest, dry_run=dry_run, batch_rows=batch_rows) for kept in _tables()]


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for any other run's end: one that drops a chunk and one that deletes from it would wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('fo_analytics.retention'))")
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a broken connection holds no lock
            cursor.execute("SELECT pg_advisory_unlock(hashtext('fo_analytics.retention'))")


def _tables() -> list[_Kept]:
    timeframes = tuple(models.Q(timeframe=timeframe) for timeframe in ROLLUP_MINUTES)
    return [
        _Kept("bar", Bar.objects.all(), settings.RETENTION_BAR_DAYS),
        _Kept("chain_metric", ChainMetric.objects.all(), settings.RETENTION_CHAIN_METRIC_DAYS),
        _Kept("bar_rollup", BarRollup.objects.all(), settings.RETENTION_BAR_ROLLUP_DAYS, timeframes),
    ]


def _drop(kept: _Kept, newest: datetime | None, *, dry_run: bool, batch_rows: int) -> Expired:
    if newest is None or not kept.days:
        return Expired(kept.table, None)
    if dry_run:
        day = _first_kept(kept, newest)
        return Expired(kept.table, day, _count(kept, day), len(_chunks("show_expired_chunks", kept, day)))
    rows = chunks = 0
    if _is_hypertable(kept.table):
        rows, chunks = _drop_chunks(kept, newest)
    rows += _delete_rows(kept, newest, batch_rows)
    expired = Expired(kept.table, _first_kept(kept, newest), rows, chunks)
    if rows:
        logger.info("dropped what is older than %s", expired.first_kept, extra={"table": kept.table, "rows": rows})
    return expired


def _first_kept(kept: _Kept, newest: datetime) -> date:
    """Return the first day that stays: no later than the first whose minutes are still to be rolled up."""
    first = ist_date(newest) - timedelta(days=kept.days - 1)
    due = RollupDue.objects.order_by("date").values_list("date", flat=True).first()
    return first if due is None else min(first, due)


def _drop_chunks(kept: _Kept, newest: datetime) -> tuple[int, int]:
    """Drop the chunks that hold nothing but expired rows; return how many rows and chunks."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        day = _first_kept(kept, newest)
        before = _count(kept, day)
        chunks = _chunks("drop_expired_chunks", kept, day)
        dropped = before - _count(kept, day)
        return (0, 0) if _marked_meanwhile(kept, newest, day) else (dropped, len(chunks))


def _chunks(name: str, kept: _Kept, day: date) -> list[str]:
    """Run a query over a hypertable's expired chunks; return their names, none of a plain table."""
    if not _is_hypertable(kept.table):
        return []
    with connection.cursor() as cursor:
        cursor.execute(query(name), {"table": kept.table, "before": _chunk_limit(kept, day)})
        return [str(row[0]) for row in cursor.fetchall()]


def _chunk_limit(kept: _Kept, day: date) -> datetime:
    """Return the instant up to which chunks may go: the first kept row, at most the first chunk's edge after midnight.

    Chunks end at midnight UTC, which lies inside the day but before any real session of it.
    """
    midnight = ist_instant(day, time.min)
    edge = datetime.combine(midnight, time.min, tzinfo=midnight.tzinfo) + _CHUNK_EDGE
    firsts = [_instant(kept.rows(part, models.Q(time__gte=midnight, time__lt=edge))) for part in kept.slices]
    return min((first for first in firsts if first is not None), default=edge)


def _instant(rows: models.QuerySet[Any], place: int = 0) -> datetime | None:
    """Return the time of the row at a place, None where there are fewer."""
    return next(iter(rows.values_list("time", flat=True)[place : place + 1]), None)


def _count(kept: _Kept, day: date) -> int:
    return kept.rows(_before(day)).count()


def _before(day: date) -> models.Q:
    return models.Q(time__lt=ist_instant(day, time.min))


def _delete_rows(kept: _Kept, newest: datetime, batch_rows: int) -> int:
    """Delete expired rows, oldest first; return how many."""
    deleted = 0
    for part in kept.slices:
        while batch := _delete_batch(kept, part, newest, batch_rows):
            deleted += batch
    return deleted


@transaction.atomic
def _delete_batch(kept: _Kept, part: models.Q, newest: datetime, batch_rows: int) -> int:
    """Delete the oldest expired rows, so many and what shares the last one's minute; return how many."""
    day = _first_kept(kept, newest)
    expired = kept.rows(part, _before(day))
    last = _instant(expired, batch_rows - 1)
    if last is not None:
        expired = expired.filter(time__lte=last)
    deleted, _ = expired.delete()
    return 0 if _marked_meanwhile(kept, newest, day) else deleted


def _marked_meanwhile(kept: _Kept, newest: datetime, day: date) -> bool:
    """Return whether ingest has written to one of these days since; then all of it is taken back.

    A drop waits for whoever is writing, and its minutes are to be rolled up first.
    """
    marked = _first_kept(kept, newest) < day
    if marked:
        transaction.set_rollback(True)
    return marked


def _is_hypertable(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(query("is_hypertable"), {"table": table})
        return bool(cursor.fetchone()[0])
