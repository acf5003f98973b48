"""Legs whose contracts are over, and what their underlyings were worth at that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Q

from fo_analytics.domain.calendar import LATE_GRACE_MS, ist_date, ist_instant
from fo_analytics.models import OfficialClose
from fo_analytics.selectors.reference import calendar
from strategies.domain.money import price_of
from strategies.models import Leg
from strategies.queries import query

# For so long a settlement follows an official close that is corrected.
CORRECTED_FOR = timedelta(days=1)
# For so long after an expiry the wall clock alone says that it is over: later, what is stored has to have come so far,
# as it may be a replay that has not.
LIVE_FOR = timedelta(days=1)
_GRACE = timedelta(milliseconds=LATE_GRACE_MS)
_MINUTE = timedelta(minutes=1)

Subject = tuple[int, date]
"""An underlying's key and an expiry."""


@dataclass(frozen=True, slots=True)
class Due:
    """A leg that may have to be settled, by what it was settled already, and when its contract was over (aware)."""

    leg_id: int
    subject: Subject
    expired_at: datetime
    settled_by: tuple[Decimal | None, bool]


@dataclass(frozen=True, slots=True)
class Closing:
    """What an underlying closed at, rupees; `final` where that is its official close, and will not move any more."""

    price: Decimal
    final: bool


def legs_due(*, now: datetime) -> list[Due]:
    """Return legs that are open past their expiry instant, and those that were finally settled lately. One query."""
    waiting = Q(open_lots__gt=0, frozen_at=None)
    lately = Q(settlement_recorded_at__gte=now - CORRECTED_FOR, settlement_is_provisional=False, frozen_at=None)
    rows = Leg.objects.filter(waiting | lately, instrument__expiry__lte=ist_date(now)).order_by("pk")
    found = []
    for pk, underlying, exchange, expiry, close, provisional in rows.values_list(
        "pk",
        "instrument__underlying_id",
        "instrument__underlying__exchange",
        "instrument__expiry",
        "settlement_close",
        "settlement_is_provisional",
    ):
        if expiry is not None and (end := calendar(exchange=exchange).expires_at(expiry)) <= now:
            found.append(Due(pk, (underlying, expiry), end, (close, provisional)))
    return found


def closings(*, due: Collection[Due], now: datetime) -> Mapping[Subject, Closing]:
    """Return what is known of the underlyings' closes. At most two queries."""
    ends = {one.subject: one.expired_at for one in due}
    wanted = Q(underlying__in={pk for pk, _ in ends}, date__in={day for _, day in ends})
    official = OfficialClose.objects.filter(wanted) if ends else OfficialClose.objects.none()
    found: dict[Subject, Closing] = {}
    for underlying_id, exchange, day, price in official.values_list(
        "underlying_id", "underlying__exchange", "date", "price"
    ):
        session = calendar(exchange=exchange).session_on(day)
        # The index is sent for a while after the close, and what came last is its close.
        final = session is None or now >= session.closes_at + _GRACE
        found[underlying_id, day] = Closing(price_of(price), final)
    missing = {subject: end for subject, end in ends.items() if subject not in found}
    return found | (_last_spots(missing, now) if missing else {})


def _last_spots(ends: Mapping[Subject, datetime], now: datetime) -> dict[Subject, Closing]:
    """The last spot of the day of each expiry, where that is over as far as anybody can tell."""
    subjects = list(ends)
    spans: dict[str, Any] = {
        "underlyings": [pk for pk, _ in subjects],
        "opens": [ist_instant(day, time.min) for _, day in subjects],
        "ends": [ends[subject] for subject in subjects],
    }
    with connection.cursor() as cursor:
        cursor.execute(query("last_spots"), spans)
        rows = cursor.fetchall()
    found = {}
    for place, price, newest in rows:
        subject = subjects[place - 1]
        if now - ends[subject] <= LIVE_FOR or newest + _MINUTE >= ends[subject]:
            found[subject] = Closing(price_of(price), final=False)
    return found
