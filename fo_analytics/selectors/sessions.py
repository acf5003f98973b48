"""Calendars from the session table."""

from collections import defaultdict

from django.db.models import Count, Max

from fo_analytics.domain.calendar import Calendar, Interval, Session
from fo_analytics.models import SessionInterval, TradingSession

SEGMENT = "FO"


def sessions_stamp() -> object:
    """Return what differs after any session was added, changed by staff or removed (one query)."""
    return tuple(TradingSession.objects.aggregate(Count("pk"), Max("changed_at")).values())


def calendar_of(*, exchange: str) -> Calendar:
    """Return the calendar of an exchange's derivatives as the table has it now.

    Two queries, without model instances: thousands of days are read whenever a process looks again.
    """
    intervals: dict[int, list[Interval]] = defaultdict(list)
    parts = SessionInterval.objects.filter(session__exchange=exchange, session__segment=SEGMENT)
    for session_id, opens_at, closes_at in parts.order_by("opens_at").values_list(
        "session_id", "opens_at", "closes_at"
    ):
        intervals[session_id].append(Interval(opens_at, closes_at))
    days = TradingSession.objects.filter(exchange=exchange, segment=SEGMENT).order_by("date")
    return Calendar(
        exchange,
        [
            Session(exchange, day, kind, tuple(intervals[pk]), expires_at)
            for pk, day, kind, expires_at in days.values_list("pk", "date", "kind", "expires_at")
        ],
    )
