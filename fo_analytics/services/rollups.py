"""Rollups: bars of 5 minutes to a day, kept in step with the minutes.

Whoever writes minutes marks the day in the same transaction (queries/mark_rollup_due.sql). The marks are taken away in
the transaction that rolls up, under a lock per underlying: nothing is lost, and nobody overwrites newer with older. One
statement serves all underlyings that are due: it reads the minutes of their time once, not once for each.
"""

import logging
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import redis
from django.db import connection, transaction

from fo_analytics.domain.calendar import Session, ist_instant
from fo_analytics.domain.timeframes import ROLLUP_MINUTES, ROLLUP_SOURCES, bucket_open
from fo_analytics.freshness import note_stored
from fo_analytics.models import RollupDue, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.sessions import calendar_of
from tradingviz.core.redis import shared_client

logger = logging.getLogger(__name__)


def roll_up_due(*, wait: bool = False) -> int:
    """Work the marks off, a transaction per exchange and day; return the rows that changed.

    An underlying that another process is busy with is left to it; with `wait`, everything marked before the call is
    rolled up after it. Raises django.db.Error; what is not done stays marked.
    """
    marked: dict[tuple[date, str], set[int]] = {}
    for day, exchange, owner in RollupDue.objects.values_list("date", "underlying__exchange", "underlying").distinct():
        marked.setdefault((day, exchange), set()).add(owner)
    calendar = cache(lambda exchange: calendar_of(exchange=exchange))
    written = 0
    for (day, exchange), owners in sorted(marked.items()):
        written += _work_off(owners, day, calendar(exchange).session_on(day), wait=wait)
    return written


def roll_up(*, first: date, last: date, underlyings: Collection[str] = ()) -> int:
    """Roll the sessions from `first` to `last` up anew, of all underlyings or those named; return the rows changed.

    Also removes the rows that a session's former hours left. A transaction per underlying and session: what is live
    never waits for a whole day of all. Raises django.db.Error.
    """
    chosen = Underlying.objects.filter(symbol__in=underlyings) if underlyings else Underlying.objects.all()
    calendar = cache(lambda exchange: calendar_of(exchange=exchange))
    written = 0
    for owner, exchange in chosen.values_list("pk", "exchange"):
        for session in calendar(exchange).sessions_between(first, last):
            with transaction.atomic():
                locked = _lock([owner], wait=True)
                _take_marks(locked, session.date)
                written += _remove_misplaced(owner, session)
                written += _roll_up_session(dict.fromkeys(locked, session.opens_at), session)
            _note_stored(locked, session.date)
    return written


def _work_off(owners: Collection[int], day: date, session: Session | None, *, wait: bool) -> int:
    with transaction.atomic():
        since = _take_marks(_lock(owners, wait=wait), day)
        if not since:
            return 0
        if session is None:
            logger.warning("minutes of %s belong to no session: they are not rolled up", day)
            return 0
        # A mark of before the open says that the session's hours were edited.
        edited = [owner for owner, instant in since.items() if instant < session.opens_at]
        removed = sum(_remove_misplaced(owner, session) for owner in edited)
        written = removed + _roll_up_session(since, session)
        transaction.on_commit(lambda: _note_stored(list(since), day))
        return written


def _lock(owners: Collection[int], *, wait: bool) -> list[int]:
    """Keep others from rolling these underlyings up until the transaction ends; return those that nobody else does.

    In one order, so that two that wait for each other cannot be. Ingest is not held up: its rows refer to the
    underlying, which this lock lets pass.
    """
    rows = Underlying.objects.select_for_update(skip_locked=not wait, no_key=True).filter(pk__in=owners)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _take_marks(owners: list[int], day: date) -> dict[int, datetime]:
    """Take a day's marks away; return the earliest minute that each underlying's named."""
    with connection.cursor() as cursor:
        cursor.execute(query("take_rollup_due"), {"underlying_ids": owners, "date": day})
        return dict(cursor.fetchall())


def _roll_up_session(since: dict[int, datetime], session: Session) -> int:
    """Roll up every bucket that holds a minute of an underlying from its instant on.

    A statement per timeframe; each sees what is committed by then.
    """
    written = 0
    with connection.cursor() as cursor:
        for timeframe, minutes in ROLLUP_MINUTES.items():
            froms = [bucket_open(instant, opens_at=session.opens_at, minutes=minutes) for instant in since.values()]
            parameters: dict[str, Any] = {
                "underlying_ids": list(since),
                # Measured: by instrument a day of one underlying takes a fifth, a minute of 24 half as long again.
                "several": len(since) > 1,
                "froms": froms,
                "from": min(froms),
                "date": session.date,
                "timeframe": timeframe,
                "minutes": minutes,
                "source": ROLLUP_SOURCES[timeframe],
                "opens": session.opens_at,
                "to": session.closes_at,
            }
            cursor.execute(query("roll_up"), parameters)
            written += cursor.rowcount
    return written


def _note_stored(owners: list[int], day: date) -> None:
    """Let cached answers of the longer bars end; without Redis there are none."""
    symbols = Underlying.objects.filter(pk__in=owners).values_list("symbol", flat=True)
    try:
        note_stored(shared_client(), [(symbol, day) for symbol in symbols])
    except redis.RedisError as error:
        logger.warning("cached answers were not told of what was rolled up: %s", error)


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
