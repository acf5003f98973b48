"""The session table, kept: known sessions are loaded once, rows that staff changed stay as they are."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from fo_analytics.domain.calendar import Interval, Session, ist_instant
from fo_analytics.domain.simulated_day import CLOSES
from fo_analytics.freshness import note_everything
from fo_analytics.models import ChainMetric, RollupDue, SessionKind, TradingSession
from fo_analytics.queries import query
from fo_analytics.session_table import SHIPPED_TABLE, parse
from tradingviz.core import json
from tradingviz.core.redis import shared_client

SEGMENT = "FO"


def load_known_sessions() -> int:
    """Add the sessions of the fixture that the table lacks; return how many."""
    held = set(TradingSession.objects.filter(segment=SEGMENT).values_list("exchange", "date"))
    known = parse(SHIPPED_TABLE.read_text(encoding="utf-8"))
    return _add(session for session in known if (session.exchange, session.date) not in held)


def ensure_simulated_sessions(*, first: date, last: date, exchange: str = "NSE") -> None:
    """Make every day from `first` to `last` a session of the simulator's hours, Sundays too.

    Replaces the real sessions of those days, so it is for a database of its own.
    """
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    rows = TradingSession.objects.filter(exchange=exchange, segment=SEGMENT, date__in=days)
    with transaction.atomic():
        rows.exclude(kind=SessionKind.SIMULATED).delete()
        held = set(rows.values_list("date", flat=True))
        _add(_simulated(exchange, day) for day in days if day not in held)


def _simulated(exchange: str, day: date) -> Session:
    opens: datetime = ist_instant(day, time.min)
    closes: datetime = ist_instant(day, CLOSES)
    return Session(exchange, day, SessionKind.SIMULATED, (Interval(opens, closes),), closes)


@transaction.atomic
def session_changed(*, session: TradingSession) -> None:
    """Let ingest read the sessions again, and have the day's longer bars made anew."""
    session.save(update_fields=["changed_at"])
    midnight = ist_instant(session.date, time.min)
    day = ChainMetric.objects.filter(time__gte=midnight, time__lt=midnight + timedelta(days=1))
    stored = day.filter(underlying__exchange=session.exchange).values_list("underlying", flat=True).distinct()
    transaction.on_commit(lambda: note_everything(shared_client()))
    RollupDue.objects.bulk_create(
        RollupDue(underlying_id=underlying_id, date=session.date, since=midnight) for underlying_id in stored
    )


def _add(sessions: Iterable[Session]) -> int:
    missing = [_as_json(session) for session in sessions]
    if missing:
        parameters: dict[str, Any] = {
            "sessions": json.encode(missing).decode(),
            "segment": SEGMENT,
            "now": timezone.now(),
        }
        with connection.cursor() as cursor:
            cursor.execute(query("add_sessions"), parameters)
    return len(missing)


def _as_json(session: Session) -> dict[str, Any]:
    return {
        "exchange": session.exchange,
        "date": session.date.isoformat(),
        "kind": session.kind,
        "expires_at": session.expires_at.isoformat(),
        "intervals": [[hours.opens_at.isoformat(), hours.closes_at.isoformat()] for hours in session.intervals],
    }
