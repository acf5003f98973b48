"""Rollups: bars of 5 minutes to a day, kept in step with the minutes.

Whoever writes minutes marks the day in the same transaction (queries/mark_rollup_due.sql). The marks are taken away in
the transaction that rolls up, under a lock per underlying: nothing is lost, and nobody overwrites newer with older.
"""

import logging
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from django.db import connection, transaction

from fo_analytics.domain.calendar import Session, ist_instant
from fo_analytics.domain.timeframes import ROLLUP_MINUTES, ROLLUP_SOURCES, bucket_open
from fo_analytics.models import RollupDue, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.sessions import calendar_of

logger = logging.getLogger(__name__)


def roll_up_due(*, wait: bool = False) -> int:
    """Work the marks off, a transaction per underlying and day; return the rows that changed.

    An underlying that another process is busy with is left to it; with `wait`, everything marked before the call is
    rolled up after it. Raises django.db.Error; what is not done stays marked.
    """
    marked = RollupDue.objects.order_by("date", "underlying").values_list("date", "underlying", "underlying__exchange")
    calendar = cache(lambda exchange: calendar_of(exchange=exchange))
    written = 0
    for day, underlying_id, exchange in marked.distinct():
        session = calendar(exchange).session_on(day)
        written += _work_off(underlying_id, day, session, wait=wait)
    return written


def roll_up(*, first: date, last: date, underlyings: Collection[str] = ()) -> int:
    """Roll the sessions from `first` to `last` up anew, of all underlyings or those named; return the rows changed.

    Also removes the rows that a session's former hours left. Raises django.db.Error.
    """
    chosen = Underlying.objects.filter(symbol__in=underlyings) if underlyings else Underlying.objects.all()
    calendar = cache(lambda exchange: calendar_of(exchange=exchange))
    written = 0
    for underlying_id, exchange in chosen.values_list("pk", "exchange"):
        for session in calendar(exchange).sessions_between(first, last):
            with transaction.atomic():
                _lock(underlying_id, wait=True)
                _take_marks(underlying_id, session.date)
                written += _remove_misplaced(underlying_id, session)
                written += _roll_up_session(underlying_id, session, since=session.opens_at)
    return written


def _work_off(underlying_id: int, day: date, session: Session | None, *, wait: bool) -> int:
    with transaction.atomic():
        if not _lock(underlying_id, wait=wait):
            return 0
        since = _take_marks(underlying_id, day)
        if since is None:
            return 0
        if session is None:
            logger.warning("minutes of %s belong to no session: they are not rolled up", day)
            return 0
        return _roll_up_session(underlying_id, session, since=since)


def _lock(underlying_id: int, *, wait: bool) -> bool:
    """Keep others from rolling this underlying up until the transaction ends; return False where one does already.

    Ingest is not held up: its rows refer to the underlying, which this lock lets pass.
    """
    rows = Underlying.objects.select_for_update(skip_locked=not wait, no_key=True).filter(pk=underlying_id)
    return rows.values_list("pk").first() is not None


def _take_marks(underlying_id: int, day: date) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(query("take_rollup_due"), {"underlying_id": underlying_id, "date": day})
        since: datetime | None = cursor.fetchone()[0]
    return since


def _roll_up_session(underlying_id: int, session: Session, *, since: datetime) -> int:
    """Roll up every bucket that holds a minute from `since` on; each statement sees what is committed by then."""
    written = 0
    with connection.cursor() as cursor:
        for timeframe, minutes in ROLLUP_MINUTES.items():
            parameters: dict[str, Any] = {
                "underlying_id": underlying_id,
                "date": session.date,
                "timeframe": timeframe,
                "minutes": minutes,
                "source": ROLLUP_SOURCES[timeframe],
                "opens": session.opens_at,
                "from": bucket_open(since, opens_at=session.opens_at, minutes=minutes),
                "to": session.closes_at,
            }
            cursor.execute(query("roll_up"), parameters)
            written += cursor.rowcount
    return written


def _remove_misplaced(underlying_id: int, session: Session) -> int:
    midnight = ist_instant(session.date, time.min)
    parameters: dict[str, Any] = {
        "underlying_id": underlying_id,
        "timeframes": list(ROLLUP_MINUTES),
        "minutes": list(ROLLUP_MINUTES.values()),
        "opens": session.opens_at,
        "closes": session.closes_at,
        "from": midnight,
        "to": max(session.closes_at, midnight + timedelta(days=1)),
    }
    with connection.cursor() as cursor:
        cursor.execute(query("remove_misplaced_rollups"), parameters)
        removed: int = cursor.rowcount
    return removed
