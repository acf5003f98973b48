"""From questions over time to answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.moneyness import Side
from fo_analytics.models import Underlying
from fo_analytics.selectors.history import SIDES, expiry_at_end, strike_history
from fo_analytics.selectors.metrics import metrics_series
from fo_analytics.selectors.moneyness import level_series
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.series import Span, known_spans
from fo_analytics.selectors.straddles import atm_straddle, fixed_straddle
from fo_analytics.selectors.time_range import TimeRange, time_range

Json = dict[str, Any]

MAX_STRADDLE_DAYS = 92
"""Straddles are read minute by minute whatever the timeframe."""


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

    def with_expiry_at_end(self) -> "Over":
        """Replace the expiry by the date it means at the end: what a label means must be part of the question."""
        day = expiry_at_end(underlying=self.underlying, expiry=self.asked["expiry"], span=self.span)
        return replace(self, asked={**self.asked, "expiry": day})

    @property
    def timeframe(self) -> str:
        """The timeframe's own name."""
        return str(self.asked["timeframe"])

    @property
    def stretches(self) -> list[Span]:
        """Which expiry is meant when. Raises InvalidRequest for one that is none."""
        return known_spans(
            underlying=self.underlying,
            expiry=self.asked["expiry"],
            since_ms=self.span.from_ms,
            until_ms=self.span.to_ms,
        )

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last exchange date."""
        return self.span.first_day, self.span.last_day

    @property
    def sides(self) -> tuple[Side, ...]:
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
            "convention": Convention.EXACT.value,
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
    return {**over.head, "expiry": over.asked["expiry"], "strike": float(over.asked["strike"]), **dict(found.items())}


def moneyness_answer(over: Over) -> Json:
    """Return a series for each indicator, side and level."""
    spans = over.stretches
    found = level_series(
        underlying=over.underlying,
        indicators=over.asked["indicator"],
        wanted=[(side, moneyness) for moneyness in over.asked["moneyness"] for side in over.sides],
        spans=spans,
        timeframe=over.timeframe,
    )
    return {**over.head, "expiries": _expiries(spans), "series": list(found)}


def metrics_answer(over: Over) -> Json:
    """Return columns of measures."""
    spans = over.stretches
    found = metrics_series(
        underlying=over.underlying, spans=spans, timeframe=over.timeframe, metrics=over.asked["metric"]
    )
    return {**over.head, "expiries": _expiries(spans), "time": found.time, "metrics": found.values}


def straddle_answer(over: Over) -> Json:
    """Return the straddle at the money, or of one strike."""
    strike = over.asked.get("strike")
    if strike is None:
        spans = over.stretches
        atm = atm_straddle(underlying=over.underlying, spans=spans, timeframe=over.timeframe)
        return {**over.head, "expiries": _expiries(spans), "mode": "atm", "ohlc": None, **atm}
    columns = fixed_straddle(
        underlying=over.underlying,
        expiry=over.asked["expiry"],
        strike=strike,
        timeframe=over.timeframe,
        span=over.span,
    )
    whole = {"expiry": over.asked["expiry"], "from": over.head["from"], "to": over.head["to"]}
    return {**over.head, "expiries": [whole], "mode": "strike", "ohlc": "minute_marks", **columns}


def _expiries(spans: list[Span]) -> list[Json]:
    """Return the expiries in order of time, each with its first and last stretch's bounds in Unix seconds."""
    parts = [(expiry, list(group)) for expiry, group in groupby(spans, key=attrgetter("expiry"))]
    return [
        {
            "expiry": expiry,
            "from": to_ms(group[0].from_at) // 1000,
            "to": to_ms(group[-1].to_at) // 1000,
        }
        for expiry, group in parts
    ]
