"""What a call and its put cost together, over time."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from fo_analytics.domain.calendar import Calendar, from_ms, to_ms, years_to_expiry
from fo_analytics.domain.chain import mark
from fo_analytics.domain.moneyness import Side
from fo_analytics.domain.sampling import sampled
from fo_analytics.domain.smile import expected_move, expected_move_by_volatility
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.models import Instrument, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.history import contracts_at
from fo_analytics.selectors.metrics import metrics_series
from fo_analytics.selectors.reference import calendar
from fo_analytics.selectors.series import Span
from fo_analytics.selectors.time_range import TimeRange
from tradingviz.core.errors import InvalidRequest

Columns = dict[str, list[Any]]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_METRICS = ("atm_strike", "straddle", "forward", "atm_iv")
_BOTH: tuple[Side, Side] = ("call", "put")


def atm_straddle(*, underlying: Underlying, spans: Sequence[Span], timeframe: str) -> Columns:
    """Return the straddle at the money at the end of each bucket's newest minute, and the move it expects; one query.

    `time` in Unix seconds, the rest in rupees; NaN and None: not known.
    """
    found = metrics_series(underlying=underlying, spans=spans, timeframe=timeframe, metrics=_METRICS)
    strike, premium, forward, iv = (np.array(found.values[name], np.float64) for name in _METRICS)
    expires = {span.expiry: to_ms(calendar(exchange=underlying.exchange).expires_at(span.expiry)) for span in spans}
    ends = [(minute + 60) * 1000 - 1 for minute in found.minute]  # its last instant: what minutes are valued at
    years = np.array(
        [years_to_expiry(expires[day], end) for day, end in zip(found.expiry, ends, strict=True)], np.float64
    )
    columns = {
        "strike": strike,
        "premium": premium,
        "forward": forward,
        "expected_move": expected_move(premium),
        "expected_move_iv": expected_move_by_volatility(forward, iv, years),
    }
    return {"time": found.time, **{name: column.tolist() for name, column in columns.items()}}


def fixed_straddle(
    *, underlying: Underlying, expiry: date, strike: Decimal, timeframe: str, span: TimeRange
) -> Columns:
    """Return what the straddle of a strike cost in each bucket; two queries.

    The premium of a minute is that of both marks, from what the minute itself knows; open, high and low are of those.
    Buckets without one are left out. Raises InvalidRequest where not both contracts are listed.
    """
    contracts = contracts_at(underlying=underlying, expiry=expiry, strike=strike, sides=_BOTH)
    if len(contracts) < len(_BOTH):
        raise InvalidRequest(f"strike {strike} of {expiry} has no {_missing(contracts)} listed", field="strike")
    minute, premium = _premiums(contracts, span, MINUTES[timeframe])
    bucket = _buckets(minute, calendar(exchange=underlying.exchange), span, MINUTES[timeframe])
    inside = (bucket >= span.from_ms) & (bucket < span.to_ms)
    found = sampled(bucket[inside] // 1000, premium[inside])
    columns = {"premium": found.close, "open": found.open, "high": found.high, "low": found.low, "minutes": found.count}
    listed = {name: column.tolist() for name, column in columns.items()}
    return {"time": found.bucket.tolist(), "strike": [float(strike)] * len(found.bucket), **listed}


def _missing(contracts: dict[Side, Instrument]) -> str:
    return next(side for side in _BOTH if side not in contracts)


def _premiums(contracts: dict[Side, Instrument], span: TimeRange, minutes: int) -> tuple[Ints, Floats]:
    """Return the opens of stored minutes (ms UTC) and what both marks came to, NaN where one is not known."""
    call, put = contracts["call"], contracts["put"]
    parameters: dict[str, Any] = {
        "call_id": call.pk,
        "put_id": put.pk,
        "from": from_ms(span.from_ms),
        "to": from_ms(span.to_ms) + timedelta(minutes=minutes),  # a bucket that opens in the range counts as a whole
    }
    with connection.cursor() as cursor:
        cursor.execute(query("straddle_minutes"), parameters)
        rows = np.array(cursor.fetchall(), np.float64).reshape(-1, 7)
    premium = sum(
        mark(rows[:, at], rows[:, at + 1], rows[:, at + 2], np.full(len(rows), float(contract.tick_size)))[0]
        for at, contract in ((1, call), (4, put))
    )
    return np.rint(rows[:, 0] * 1000).astype(np.int64), np.asarray(premium, np.float64)


def _buckets(minute: Ints, sessions: Calendar, span: TimeRange, minutes: int) -> Ints:
    """Return the open of each minute's bucket, ms UTC; those outside all sessions are -1."""
    found = np.full(len(minute), -1, np.int64)
    width = minutes * 60_000
    for session in sessions.sessions_between(span.first_day, span.last_day):
        opens, closes = to_ms(session.opens_at), to_ms(session.closes_at)
        inside = (minute >= opens) & (minute < closes)
        found = np.where(inside, opens + (minute - opens) // width * width, found)
    return found
