"""Moneyness series: what stood at one level of a chain (the call at the money, the put two rungs out) over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate, compress, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import Session, from_ms, ist_date, to_ms
from fo_analytics.domain.ladder import NOBODY, Ladder
from fo_analytics.domain.moneyness import Side, level
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.models import Underlying
from fo_analytics.selectors.courses import money_courses
from fo_analytics.selectors.reference import calendar, expiry_table, ladders_listed
from fo_analytics.selectors.runs import bars_at
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.sql import array_text

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Floats]

VALUES = (
    "open", "high", "low", "close", "volume", "oi", "bid", "ask",
    "forward", "iv", "iv_reason", "delta", "gamma", "theta", "vega", "rho",
)  # fmt: skip
"""What a series can be of; units as in models.series.BarValues; `iv_reason` is a code of chain_view.WORDS."""


@dataclass(frozen=True, slots=True)
class Series:
    """Bars (n,) in order of time: their opens (ms UTC), the contract each is of (rupees, dates), and chosen columns.

    NaN: the bar does not have that value. There is no row where the level lies beyond the ladder, where nobody knew
    what was at the money, or where the contract has no bar.
    """

    time_ms: Ints
    strike: Floats
    expiry: tuple[date, ...]
    values: Columns


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
    """Return the bars of a moneyness level that open in [since_ms, until_ms), stamps in ms UTC; see moneyness_group.

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
) -> list[Series]:
    """Return a series of moneyness_series for each side and level, over the same stretches.

    One query for all, one more where what was at the money of a session is not remembered.
    """
    if timeframe not in MINUTES:
        raise InvalidRequest(f"unknown timeframe {timeframe!r}", field="timeframe", valid=list(MINUTES))
    for name in values:
        if name not in VALUES:
            raise InvalidRequest(f"a bar has no {name!r}", field="values", valid=list(VALUES))
    steps = [(side, _level(moneyness) * (1 if side == "call" else -1)) for side, moneyness in wanted]
    moneys = _moneys(underlying, spans, timeframe)
    rows = [moneys.away(side, distance) for side, distance in steps]
    there, found = bars_at(
        instrument=np.concatenate([each.contract for each in rows]),
        time_ms=np.concatenate([each.time_ms for each in rows]),
        timeframe=timeframe,
        columns=values,
    )
    ends = np.cumsum([len(each.contract) for each in rows])[:-1]
    parts = {name: np.split(column, ends) for name, column in found.items()}
    return [
        _series(each, is_there, {name: column[number] for name, column in parts.items()})
        for number, (each, is_there) in enumerate(zip(rows, np.split(there, ends), strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Contracts (n,) in order of time: when each is wanted (ms UTC), its key, strike (rupees) and expiry."""

    time_ms: Ints
    contract: Ints
    strike: Floats
    expiry: Sequence[date]


@dataclass(frozen=True, slots=True)
class _Moneys:
    """Buckets (n,) in order of time that knew a strike at the money which is listed: opens (ms UTC) and expiries.

    `rung` is where the money of each is among the rungs of all `ladders`, one after another.
    """

    time_ms: Ints
    rung: Ints
    expiry: Sequence[date]
    ladders: Sequence[Ladder]

    def away(self, side: Side, steps: int) -> _Rows:
        """Return the contracts of a side so many rungs above the money, where one is listed."""
        contract = _joined([each.away(side, steps) for each in self.ladders], np.int64)[self.rung]
        strike = _joined([each.strikes_away(steps) for each in self.ladders], np.float64)[self.rung]
        listed = contract != NOBODY
        return _Rows(self.time_ms[listed], contract[listed], strike[listed], list(compress(self.expiry, listed)))


def _moneys(underlying: Underlying, spans: Sequence[Span], timeframe: str) -> _Moneys:
    """Return what was at the money in stretches; a bucket that opens before a stretch's end counts as a whole."""
    days = [(span.expiry, span.session.date) for span in spans]
    ladders = ladders_listed(underlying_id=underlying.pk, wanted=days)
    wanted = [(span.session, span.expiry) for span in spans]
    courses = money_courses(underlying=underlying, wanted=wanted, timeframe=timeframe)
    rungs_of = _rungs_of(ladders)
    time_ms, rung, expiry = [], [], []
    for span, ladder, course in zip(spans, ladders, courses, strict=True):
        inside = slice(*np.searchsorted(course.time_ms, (to_ms(span.from_at), to_ms(span.to_at))))
        money = course.value[inside]
        begin, rungs = rungs_of[ladder]
        place = np.searchsorted(rungs, money)
        listed = np.append(rungs, np.nan)[place] == money
        time_ms.append(course.time_ms[inside][listed])
        rung.append(begin + place[listed])
        expiry += [span.expiry] * len(time_ms[-1])
    return _Moneys(_joined(time_ms, np.int64), _joined(rung, np.int64), expiry, list(rungs_of))


def _rungs_of(ladders: Sequence[Ladder]) -> dict[Ladder, tuple[int, Floats]]:
    """Return where the rungs of each different ladder begin among those of all of them, and its strikes."""
    different = list(dict.fromkeys(ladders))
    begins = accumulate((len(ladder.strikes) for ladder in different), initial=0)
    return {ladder: (begin, np.array(ladder.strikes)) for ladder, begin in zip(different, begins, strict=False)}


def _joined(parts: Sequence[npt.ArrayLike], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *(np.asarray(part, dtype) for part in parts)])


def _series(rows: _Rows, there: npt.NDArray[np.bool_], values: Columns) -> Series:
    return Series(
        time_ms=rows.time_ms[there],
        strike=rows.strike[there],
        expiry=tuple(compress(rows.expiry, there)),
        values={name: column[there] for name, column in values.items()},
    )


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
