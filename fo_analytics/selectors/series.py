"""Moneyness series: what stood at one level of a chain (the call at the money, the put two rungs out) over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import Session, from_ms, ist_date, to_ms
from fo_analytics.domain.ladder import Ladder
from fo_analytics.domain.moneyness import Side, level
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.chains import milliseconds
from fo_analytics.selectors.reference import calendar, expiry_table, ladders_listed
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.sql import array_of_texts, array_text, read_numbers

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]

VALUES = (
    "open", "high", "low", "close", "volume", "oi", "bid", "ask",
    "forward", "iv", "delta", "gamma", "theta", "vega", "rho",
)  # fmt: skip
"""What a series can be of; units as in models.series.BarValues."""

# Of one minute, and of more.
_BARS = ("bar", "(SELECT * FROM bar_rollup WHERE timeframe = %(timeframe)s)")


@dataclass(frozen=True, slots=True)
class Series:
    """Bars (n,) in order of time: their opens (ms UTC), the contract each is of (rupees, dates), and chosen columns.

    `spot` is the close of the underlying's own bar, rupees, where it was asked for.
    NaN: the bar does not have that value. There is no row where the level lies beyond the ladder, where nobody knew
    what was at the money, or where the contract has no bar.
    """

    time_ms: npt.NDArray[np.int64]
    strike: npt.NDArray[np.float64]
    spot: npt.NDArray[np.float64]
    expiry: tuple[date, ...]
    values: dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Span:
    """Buckets of a session that open in [from_at, to_at), aware UTC instants, and the expiry they are of."""

    session: Session
    from_at: datetime
    to_at: datetime
    expiry: date


def moneyness_series(
    *,
    underlying: Underlying,
    side: Side,
    moneyness: str,
    expiry: str,
    timeframe: str,
    since_ms: int,
    until_ms: int,
    values: Sequence[str],
) -> Series:
    """Return the bars of a moneyness level that open in [since_ms, until_ms), stamps in ms UTC; one query.

    `moneyness` is ATM, OTM1, ITM2, ...: rungs of the day's listed ladder from the strike that was at the money at the
    bucket's end, that is in its newest minute which knew one. `expiry` is a date, or a label like NWeek+0 that means
    what it meant when the bucket opened. `values` are of VALUES. Raises InvalidRequest for what does not exist.
    """
    wanted = [(side, moneyness)]
    spans = known_spans(underlying=underlying, expiry=expiry, since_ms=since_ms, until_ms=until_ms)
    return moneyness_group(underlying=underlying, wanted=wanted, spans=spans, timeframe=timeframe, values=values)[0]


def moneyness_group(
    *,
    underlying: Underlying,
    wanted: Sequence[tuple[Side, str]],
    spans: Sequence[Span],
    timeframe: str,
    values: Sequence[str],
    spot_id: int | None = None,
) -> list[Series]:
    """Return a series of moneyness_series for each side and level, over the same stretches; one query for all.

    `spot_id` is the underlying's own instrument where its closes are wanted.
    """
    minutes = MINUTES.get(timeframe)
    if minutes is None:
        raise InvalidRequest(f"unknown timeframe {timeframe!r}", field="timeframe", valid=list(MINUTES))
    for name in values:
        if name not in VALUES:
            raise InvalidRequest(f"a bar has no {name!r}", field="values", valid=list(VALUES))
    steps = [(side, _level(moneyness) * (1 if side == "call" else -1)) for side, moneyness in wanted]
    names = ("place", "time", "contract", *values)
    if not spans:
        none = dict.fromkeys(names, np.empty(0))
        return [_series(none, _terms(frozenset()), values, none) for _ in wanted]
    days = [(span.expiry, span.session.date) for span in spans]
    ladders = ladders_listed(underlying_id=underlying.pk, wanted=days)
    parameters = {
        "underlying_id": underlying.pk,
        "spot_id": spot_id,
        "timeframe": timeframe,
        "minutes": minutes,
        **span_columns(spans),
        **_ladder_columns(ladders, steps),
    }
    nothing = ", ".join(["NULL"] * len(values))
    text = query("series").format(bars=_BARS[minutes > 1], columns=", ".join(values), nothing=nothing)
    found = read_numbers(f"({text}) AS found ({', '.join(names)})", parameters, names)
    spot, terms = _part(found, 0), _terms(frozenset(ladders))
    return [_series(_part(found, place), terms, values, spot) for place in range(1, len(wanted) + 1)]


def _ladder_columns(ladders: Sequence[Ladder], steps: Sequence[tuple[Side, int]]) -> dict[str, str]:
    """Return the ladders of stretches as parameters: each that differs once for every place that is wanted of it."""
    numbers = {ladder: number for number, ladder in enumerate(dict.fromkeys(ladders))}
    rows = [
        (number, place, *_ladder_texts(ladder, *step))
        for ladder, number in numbers.items()
        for place, step in enumerate(steps, start=1)
    ]
    of_ladders, places, strikes, contracts = zip(*rows, strict=True)
    return {
        "ladders": array_text(numbers[ladder] for ladder in ladders),
        "of_ladders": array_text(of_ladders),
        "places": array_text(places),
        "strikes": array_of_texts(strikes),
        "contracts": array_of_texts(contracts),
    }


@lru_cache(maxsize=4_096)
def _ladder_texts(ladder: Ladder, side: Side, steps: int) -> tuple[str, str]:
    return array_text(ladder.strikes), array_text(ladder.away(side, steps))


@dataclass(frozen=True, slots=True)
class _Terms:
    """Keys of contracts (n,) ascending; of each the strike (n,), rupees, and the expiry."""

    key: Floats
    strike: Floats
    expiry: list[date]


@lru_cache(maxsize=256)
def _terms(ladders: frozenset[Ladder]) -> _Terms:
    """Return the terms of all contracts of some ladders."""
    held = sorted({(key, strike, one.expiry) for one in ladders for key, strike in one.strike_of().items()})
    keys, strikes, expiries = zip(*held, strict=True) if held else ((), (), ())
    return _Terms(np.array(keys, np.float64), np.array(strikes, np.float64), list(expiries))


def _part(found: Columns, place: int) -> Columns:
    """Return the rows of one place, in order of time."""
    rows = np.flatnonzero(found["place"] == place)
    rows = rows[np.argsort(found["time"][rows], kind="stable")]
    return {name: column[rows] for name, column in found.items()}


def known_spans(*, underlying: Underlying, expiry: str, since_ms: int, until_ms: int) -> list[Span]:
    """Return spans_of as a list."""
    return list(spans_of(underlying=underlying, expiry=expiry, since_ms=since_ms, until_ms=until_ms))


def spans_of(*, underlying: Underlying, expiry: str, since_ms: int, until_ms: int) -> Iterator[Span]:
    """Return which expiry a label or date means, stretch by stretch of the sessions in [since_ms, until_ms), ms UTC.

    Where it means nothing there is no stretch. Raises InvalidRequest, naming the valid ones, where that is everywhere.
    """
    begins, ends = from_ms(since_ms), from_ms(until_ms)
    sessions = calendar(exchange=underlying.exchange).sessions_between(ist_date(begins), ist_date(ends))
    known, unknown = False, None
    for session, opens, closes in ((each, *stretch) for each in sessions for stretch in _stretches(each)):
        if max(opens, begins) >= min(closes, ends):
            continue
        try:
            day = expiry_table(underlying=underlying, as_of_ms=to_ms(opens)).resolve(expiry)
        except InvalidRequest as error:
            unknown = error
            continue
        known = True
        yield Span(session, max(opens, begins), min(closes, ends), day)
    if unknown is not None and not known:
        raise unknown


def _stretches(session: Session) -> Iterator[tuple[datetime, datetime]]:
    """Return the parts of a session in which a label means one expiry: before contracts stop, and after."""
    cuts = {session.opens_at, session.expires_at, session.closes_at}
    return pairwise(sorted(cut for cut in cuts if session.opens_at <= cut <= session.closes_at))


def _level(moneyness: str) -> int:
    try:
        return level(moneyness)
    except ValueError as error:
        raise InvalidRequest(str(error), field="moneyness") from error


def span_columns(spans: Sequence[Span]) -> dict[str, Any]:
    """Return stretches (one at least) as parameters of a query that unnests them."""
    closes = [span.session.closes_at for span in spans]
    return {
        "opens": array_text(span.session.opens_at for span in spans),
        "closes": array_text(closes),
        "froms": array_text(span.from_at for span in spans),
        "tos": array_text(span.to_at for span in spans),
        "expiries": array_text(span.expiry for span in spans),
        "from": min(span.from_at for span in spans),
        "until": max(closes),
    }


def _series(found: Columns, terms: _Terms, values: Sequence[str], spot: Columns) -> Series:
    held = np.searchsorted(terms.key, found["contract"])
    return Series(
        time_ms=milliseconds(found["time"]),
        strike=terms.strike[held],
        spot=_at(found["time"], spot["time"], spot["contract"]),
        expiry=tuple(map(terms.expiry.__getitem__, held.tolist())),
        values={name: found[name] for name in values},
    )


def _at(wanted: Floats, time: Floats, value: Floats) -> Floats:
    """Return the values at wanted times, NaN where there is none; `time` ascending."""
    known = np.append(value, np.nan)
    place = np.searchsorted(time, wanted)
    return known[np.where(np.append(time, np.nan)[place] == wanted, place, -1)]
