"""Legs whose contracts are over, and what their underlyings were worth at that."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from fo_analytics.domain.calendar import LATE_GRACE_MS, MINUTE_MS, ist_date, to_ms
from fo_analytics.selectors.closes import Key as Subject
from fo_analytics.selectors.closes import last_spots, official_closes
from fo_analytics.selectors.reference import calendar
from strategies.domain.money import price_of
from strategies.models import Leg

# For so long a settlement follows an official close that is corrected.
CORRECTED_FOR = timedelta(days=1)
# For so long after an expiry the wall clock alone says that it is over: later, what is stored has to have come so far,
# as it may be a replay that has not.
LIVE_FOR = timedelta(days=1)
_GRACE = timedelta(milliseconds=LATE_GRACE_MS)


@dataclass(frozen=True, slots=True)
class Due:
    """A leg that may have to be settled, by what it was settled already, when its contract was over, and from when on
    its underlying's official close of that day does not move any more (aware)."""

    leg_id: int
    subject: Subject
    expired_at: datetime
    final_from: datetime
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
        if expiry is None or (end := calendar(exchange=exchange).expires_at(expiry)) > now:
            continue
        session = calendar(exchange=exchange).session_on(expiry)
        # The index is sent for a while after the close, and what came last is its close.
        final_from = session.closes_at + _GRACE if session else end
        found.append(Due(pk, (underlying, expiry), end, final_from, (close, provisional)))
    return found


def closings(*, due: Collection[Due], now: datetime) -> Mapping[Subject, Closing]:
    """Return what is known of the underlyings' closes. At most two queries."""
    ends = {one.subject: one for one in due}
    official = official_closes(wanted=ends)
    found = {
        subject: Closing(price_of(price), final=now >= ends[subject].final_from) for subject, price in official.items()
    }
    for subject, spot in last_spots(wanted=ends.keys() - official.keys()).items():
        end = ends[subject].expired_at
        if now - end <= LIVE_FOR or spot.newest_ts + MINUTE_MS >= to_ms(end):
            found[subject] = Closing(price_of(spot.price), final=False)
    return found
