"""The bars of single contracts."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from fo_analytics.domain.bars import Flag
from fo_analytics.domain.calendar import from_ms
from fo_analytics.domain.chain_view import WORDS
from fo_analytics.domain.moneyness import Side
from fo_analytics.models import Instrument, InstrumentKind, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.reference import expiry_table
from fo_analytics.selectors.time_range import TimeRange
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest

SIDES: dict[Side, InstrumentKind] = {"call": InstrumentKind.CALL, "put": InstrumentKind.PUT}
COLUMNS = (
    "open", "high", "low", "close", "volume", "oi", "iv", "iv_reason", "delta", "gamma", "theta", "vega", "rho",
    "bid", "ask", "flags",
)  # fmt: skip
"""Columns of a bar, units as in models.series.BarValues; flags and reasons as numbers."""
FLAGS = {Flag.CATCH_UP: "catch_up"}
NEAREST = 11

Columns = dict[str, list[Any]]


def strike_history(
    *, underlying: Underlying, expiry: date, strike: Decimal, sides: Collection[Side], timeframe: str, span: TimeRange
) -> dict[Side, Columns]:
    """Return the bars of a strike's contracts (rupees) that open in a range; two queries.

    A side that is not listed, or not asked for, is absent. `time` is in Unix seconds; flags and reasons are names.
    Raises InvalidRequest for a strike that is not listed.
    """
    instruments = contracts_at(underlying=underlying, expiry=expiry, strike=strike, sides=sides)
    keys = [instrument.pk for instrument in instruments.values()]
    bars = contract_bars(instrument_ids=keys, timeframe=timeframe, span=span, columns=COLUMNS)
    found = {side: bars[instrument.pk] for side, instrument in instruments.items()}
    for columns in found.values():
        columns["iv_reason"] = list(map(WORDS["iv_reason"].get, columns["iv_reason"]))
        columns["flags"] = [[FLAGS[flag] for flag in Flag if flag & held] for held in columns["flags"]]
    return found


def expiry_at_end(*, underlying: Underlying, expiry: str, span: TimeRange) -> date:
    """Return what a date or label means at the end of a range, or now where that is still to come.

    Raises InvalidRequest for what is not listed.
    """
    return expiry_table(underlying=underlying, as_of_ms=min(span.to_ms - 1, now_ms())).resolve(expiry)


def contracts_at(
    *, underlying: Underlying, expiry: date, strike: Decimal, sides: Collection[Side]
) -> dict[Side, Instrument]:
    """Return the contracts of a strike by side; one query. Raises InvalidRequest where none of the sides is listed."""
    kinds = {SIDES[side].value: side for side in sides}
    listed = Instrument.objects.filter(underlying=underlying, expiry=expiry, kind__in=kinds)
    held = {kinds[row.kind]: row for row in listed.filter(strike=strike)}
    if not held:
        strikes = {each for each in listed.values_list("strike", flat=True) if each is not None}
        near = sorted(sorted(strikes, key=lambda each: abs(each - strike))[:NEAREST])
        valid = [f"{each:.2f}" for each in near]
        raise InvalidRequest(f"strike {strike} of {expiry} is not listed on that side", field="strike", valid=valid)
    return {side: held[side] for side in SIDES if side in held}


def contract_bars(
    *, instrument_ids: Sequence[int], timeframe: str, span: TimeRange, columns: Sequence[str]
) -> dict[int, Columns]:
    """Return the bars of instruments that open in a range, by instrument, `time` in Unix seconds; one query.

    `columns` are names of the table, never a client's.
    """
    parameters: dict[str, Any] = {
        "instrument_ids": list(instrument_ids),
        "timeframe": timeframe,
        "from": from_ms(span.from_ms),
        "to": from_ms(span.to_ms),
    }
    with connection.cursor() as cursor:
        cursor.execute(query("contract_bars").format(columns=", ".join(columns)), parameters)
        rows = cursor.fetchall()
    found = {key: list(zip(*part, strict=True)) for key, part in groupby(rows, key=itemgetter(0))}
    return {key: _columns(found.get(key), columns) for key in instrument_ids}


def _columns(parts: list[tuple[Any, ...]] | None, names: Sequence[str]) -> Columns:
    if parts is None:
        return {name: [] for name in ("time", *names)}
    times = [int(time) for time in parts[1]]
    return {"time": times, **{name: list(part) for name, part in zip(names, parts[2:], strict=True)}}
