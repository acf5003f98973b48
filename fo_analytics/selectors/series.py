"""Moneyness series: what stood at one level of a chain (the call at the money, the put two rungs out) over time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from fo_analytics.domain.calendar import Session, from_ms, ist_date, to_ms
from fo_analytics.domain.moneyness import Side, level
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.models import InstrumentKind, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.chains import milliseconds
from fo_analytics.selectors.reference import calendar, expiry_table
from tradingviz.core.errors import InvalidRequest

VALUES = (
    "open", "high", "low", "close", "volume", "oi", "bid", "ask",
    "forward", "iv", "delta", "gamma", "theta", "vega", "rho",
)  # fmt: skip
"""What a series can be of; units as in models.series.BarValues."""


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
    steps = [_level(moneyness) * (1 if side == "call" else -1) for side, moneyness in wanted]
    if not spans:
        return [_series([], spans, values, {}) for _ in wanted]
    parameters = {
        "underlying_id": underlying.pk,
        "spot_id": spot_id,
        "kinds": [InstrumentKind.CALL.value if side == "call" else InstrumentKind.PUT.value for side, _ in wanted],
        "steps": steps,
        "timeframe": timeframe,
        "minutes": minutes,
        **span_columns(spans),
    }
    with connection.cursor() as cursor:
        nothing = ", ".join(["NULL"] * len(values))
        cursor.execute(query("series").format(columns=", ".join(values), nothing=nothing), parameters)
        parts = {place: [row[1:] for row in rows] for place, rows in groupby(cursor.fetchall(), key=itemgetter(0))}
    spot = {row[0]: row[2] for row in parts.pop(0, ())}
    return [_series(parts.get(place, []), spans, values, spot) for place in range(1, len(wanted) + 1)]


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
        "dates": [span.session.date for span in spans],
        "opens": [span.session.opens_at for span in spans],
        "closes": closes,
        "froms": [span.from_at for span in spans],
        "tos": [span.to_at for span in spans],
        "expiries": [span.expiry for span in spans],
        "from": min(span.from_at for span in spans),
        "until": max(closes),
    }


def _series(
    rows: Sequence[tuple[Any, ...]], spans: Sequence[Span], values: Sequence[str], spot: Mapping[float, float | None]
) -> Series:
    time, number, strike, *columns = zip(*rows, strict=True) if rows else [()] * (3 + len(values))
    expiries = [span.expiry for span in spans]
    return Series(
        time_ms=milliseconds(time),
        strike=np.array(strike, np.float64),
        spot=np.array([spot.get(at) for at in time], np.float64),
        expiry=tuple(expiries[at - 1] for at in number),
        values={name: np.array(column, np.float64) for name, column in zip(values, columns, strict=True)},
    )
