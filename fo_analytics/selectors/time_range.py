"""Which time a question over time covers, where it does not say so itself or asks for too much."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from types import MappingProxyType

from fo_analytics.domain.calendar import from_ms, ist_date, ist_instant, to_ms
from fo_analytics.models import Underlying
from fo_analytics.selectors.chains import market_instant, session_begun
from fo_analytics.selectors.reference import calendar
from tradingviz.core.clock import now_ms

DAY_MS = 86_400_000
MAX_DAYS: Mapping[str, int] = MappingProxyType({"1m": 7, "5m": 31, "15m": 92, "30m": 183, "1h": 366, "1d": 731})
"""Calendar days that one answer covers at most, by timeframe."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """[from_ms, to_ms), ms UTC; `capped` says that the beginning was cut off."""

    from_ms: int
    to_ms: int
    capped: bool

    @property
    def first_day(self) -> date:
        """Exchange date of its beginning."""
        return ist_date(from_ms(self.from_ms))

    @property
    def last_day(self) -> date:
        """Exchange date of its last millisecond."""
        return ist_date(from_ms(self.to_ms - 1))


def time_range(
    *, underlying: Underlying, since_ms: int | None, until_ms: int | None, timeframe: str, max_days: int | None = None
) -> TimeRange:
    """Return the range that is meant (ms UTC; None: not said), at most `max_days` or those of MAX_DAYS long.

    It ends with the newest session that has data, and begins with the session it ends in. It ends with today at the
    latest: not now, for then no two questions would be the same.
    Raises NotAvailable where nothing is said and nothing known.
    """
    sessions = calendar(exchange=underlying.exchange)
    days = min(max_days or MAX_DAYS[timeframe], MAX_DAYS[timeframe])
    if until_ms is None:
        session = session_begun(market_instant(underlying=underlying), sessions)
        newest = to_ms(session.closes_at) if session else now_ms()
        until_ms = newest if since_ms is None else max(newest, since_ms + 1)
    until_ms = min(until_ms, max(_end_of_today(), (since_ms or 0) + 1))
    if since_ms is None:
        session = session_begun(until_ms - 1, sessions)
        since_ms = min(to_ms(session.opens_at), until_ms - 1) if session else until_ms - DAY_MS
    earliest = until_ms - days * DAY_MS
    return TimeRange(max(since_ms, earliest), until_ms, since_ms < earliest)


def _end_of_today() -> int:
    tomorrow = ist_date(from_ms(now_ms())) + timedelta(days=1)
    return to_ms(ist_instant(tomorrow, time.min))
