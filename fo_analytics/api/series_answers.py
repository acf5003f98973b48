"""From questions over time to answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fo_analytics.models import Underlying
from fo_analytics.selectors.history import SIDES, strike_history
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.time_range import TimeRange, time_range

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Over:
    """A question over time: its checked parameters with the range they come to, the underlying they name."""

    asked: Mapping[str, Any]
    underlying: Underlying
    span: TimeRange

    @classmethod
    def of(cls, asked: Mapping[str, Any], *, max_days: int | None = None) -> "Over":
        """Find the underlying and the range. Raises InvalidRequest, NotAvailable."""
        underlying = find_underlying(name=asked["underlying"])
        span = time_range(
            underlying=underlying,
            since_ms=asked.get("from"),
            until_ms=asked.get("to"),
            timeframe=asked["timeframe"],
            max_days=max_days,
        )
        meant = {**asked, "underlying": underlying.symbol, "from": span.from_ms, "to": span.to_ms}
        return cls(meant, underlying, span)

    @property
    def timeframe(self) -> str:
        """The timeframe's own name."""
        return str(self.asked["timeframe"])

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last exchange date."""
        return self.span.first_day, self.span.last_day

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides asked for, call first."""
        return tuple(side for side in SIDES if self.asked["option_side"] in ("both", side))

    @property
    def head(self) -> Json:
        """What every answer over time says of itself."""
        return {
            "underlying": self.underlying.symbol,
            "timeframe": self.timeframe,
            "from": self.span.from_ms // 1000,
            "to": self.span.to_ms // 1000,
            "capped": self.span.capped,
        }


def strike_history_answer(over: Over) -> Json:
    """Return the bars of a strike by side."""
    found = strike_history(
        underlying=over.underlying,
        expiry=over.asked["expiry"],
        strike=over.asked["strike"],
        sides=over.sides,
        timeframe=over.timeframe,
        span=over.span,
    )
    return {**over.head, "expiry": found.expiry, "strike": found.strike, **found.sides}
