"""Indicators at moneyness levels over time, of contracts and of whole chains, beside what the underlying did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.chain import mark
from fo_analytics.domain.chain_view import GREEKS, WORDS, whole_numbers
from fo_analytics.domain.indicators import MARK, Indicator, Of
from fo_analytics.domain.moneyness import Side
from fo_analytics.models import Instrument, Underlying
from fo_analytics.selectors.courses import Course, closes
from fo_analytics.selectors.history import SIDES
from fo_analytics.selectors.metrics import metrics_series
from fo_analytics.selectors.reference import contracts_listed
from fo_analytics.selectors.series import Series, Span, moneyness_group

Floats = npt.NDArray[np.float64]
_REASON = "iv_reason"
_OF_IV = ("iv", *GREEKS)
_QUOTED = ("bid", "ask", "close")


@dataclass(frozen=True, slots=True)
class LevelSeries:
    """One indicator of one side at one level: columns (n,), `time` in Unix seconds; NaN and None: not known.

    `iv_reason` says of IV and Greeks why the contract's own IV is not; None of other indicators.
    """

    indicator: str
    side: str
    moneyness: str
    time: list[int]
    value: list[Any]
    iv_reason: list[str | None] | None
    strike: list[float]
    oi: list[Any]
    volume: list[Any]
    underlying: list[Any]


def level_series(
    *,
    underlying: Underlying,
    indicators: Sequence[Indicator],
    wanted: Sequence[tuple[Side, str]],
    spans: Sequence[Span],
    timeframe: str,
) -> list[LevelSeries]:
    """Return each indicator of each side and level; `underlying` is the close of its bar.

    An indicator of the chain has the bucket's value at every level. At most three queries, however much is asked for,
    and two more for what is not remembered of the sessions.
    """
    columns = dict.fromkeys(("oi", "volume"))
    for one in indicators:
        columns |= dict.fromkeys([_REASON] if one.name in _OF_IV else ())
        columns |= dict.fromkeys(_QUOTED if one.name == MARK else (one.name,) if one.of is Of.CONTRACT else ())
    series = moneyness_group(
        underlying=underlying,
        wanted=wanted,
        spans=spans,
        timeframe=timeframe,
        values=list(columns),
    )
    spot = _spot(underlying, spans, timeframe)
    chain = _chain(underlying, indicators, spans, timeframe)
    ticks = _ticks(underlying, spans) if any(one.name == MARK for one in indicators) else {}
    levels = [
        (held, _shared(held, side, moneyness, spot)) for (side, moneyness), held in zip(wanted, series, strict=True)
    ]
    found = []
    for one in indicators:
        for held, shared in levels:
            if one.of is Of.CHAIN:
                value = [chain[one.name].get(at) for at in shared["time"]]
            else:
                value = (_marks(held, shared["side"], ticks) if one.name == MARK else held.values[one.name]).tolist()
            value = _whole(one, value)
            found.append(LevelSeries(indicator=one.name, value=value, iv_reason=_reasons(one, held), **shared))
    return found


def _reasons(indicator: Indicator, held: Series) -> list[str | None] | None:
    return [WORDS[_REASON].get(code) for code in held.values[_REASON].tolist()] if indicator.name in _OF_IV else None


def _shared(held: Series, side: Side, moneyness: str, spot: Course) -> dict[str, Any]:
    """Return what the series of all indicators have in common at one level."""
    return {
        "side": side,
        "moneyness": moneyness,
        "time": (held.time_ms // 1000).tolist(),
        "strike": held.strike.tolist(),
        "oi": _units(held.values["oi"]),
        "volume": _units(held.values["volume"]),
        "underlying": spot.at(held.time_ms).tolist(),
    }


def _spot(underlying: Underlying, spans: Sequence[Span], timeframe: str) -> Course:
    """Return the closes of the underlying itself over the sessions of stretches, nothing where it is not listed."""
    listed = contracts_listed(underlying_id=underlying.pk, expiries=())
    if not listed or not spans:
        return Course(np.empty(0, np.int64), np.empty(0))
    sessions = [span.session for span in spans]
    return closes(underlying=underlying, instrument_id=listed[0].instrument_id, sessions=sessions, timeframe=timeframe)


def _whole(indicator: Indicator, value: list[Any]) -> list[Any]:
    return _units(np.array(value, np.float64)) if indicator.unit == "units" else value


def _units(values: Floats) -> list[int | None]:
    return whole_numbers(values[np.newaxis])[0]


def _chain(
    underlying: Underlying, indicators: Sequence[Indicator], spans: Sequence[Span], timeframe: str
) -> dict[str, dict[int, Any]]:
    """Return the indicators of the chain by name and Unix second; one query, none where there are none."""
    names = [one.name for one in indicators if one.of is Of.CHAIN]
    if not names:
        return {}
    found = metrics_series(underlying=underlying, spans=spans, timeframe=timeframe, metrics=names)
    return {name: dict(zip(found.time, column, strict=True)) for name, column in found.values.items()}


def _ticks(underlying: Underlying, spans: Sequence[Span]) -> dict[tuple[str, date, float], float]:
    """Return the tick of each contract in rupees, by side, expiry and strike; one query."""
    sides = {kind.value: side for side, kind in SIDES.items()}
    rows = Instrument.objects.filter(
        underlying=underlying, expiry__in={span.expiry for span in spans}, kind__in=sides
    ).values_list("kind", "expiry", "strike", "tick_size")
    return {
        (sides[kind], expiry, float(strike)): float(tick)
        for kind, expiry, strike, tick in rows
        if expiry is not None and strike is not None
    }


def _marks(held: Series, side: str, ticks: dict[tuple[str, date, float], float]) -> Floats:
    """Return the mark of each bar from what the bar itself knows."""
    tick = [ticks[side, expiry, strike] for expiry, strike in zip(held.expiry, held.strike.tolist(), strict=True)]
    bid, ask, last = (held.values[name] for name in _QUOTED)
    return mark(bid, ask, last, np.array(tick, np.float64))[0]
