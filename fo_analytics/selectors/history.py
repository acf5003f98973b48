"""The bars of single contracts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from fo_analytics.domain.bars import Flag
from fo_analytics.domain.calendar import from_ms
from fo_analytics.models import Instrument, InstrumentKind, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.reference import expiry_table
from fo_analytics.selectors.time_range import TimeRange
from tradingviz.core.errors import InvalidRequest

SIDES = {"call": InstrumentKind.CALL, "put": InstrumentKind.PUT}
COLUMNS = (
    "open", "high", "low", "close", "volume", "oi", "iv", "delta", "gamma", "theta", "vega", "rho", "bid", "ask",
    "flags",
)  # fmt: skip
"""Columns of a bar, units as in models.series.BarValues; flags as numbers."""
FLAGS = {Flag.CATCH_UP: "catch_up"}
NEAREST = 11

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class StrikeHistory:
    """Columns of the call and the put of a strike (rupees); a side that is not listed, or not asked for, is absent."""

    expiry: date
    strike: float
    sides: dict[str, Columns]


def strike_history(
    *, underlying: Underlying, expiry: str, strike: Decimal, sides: Collection[str], timeframe: str, span: TimeRange
) -> StrikeHistory:
    """Return the bars of a strike's contracts that open in a range; two queries.

    A label means what it means at the end of the range. `time` is in Unix seconds, flags are names. Raises
    InvalidRequest for an expiry or strike that is not listed.
    """
    day, instruments = contracts_at(underlying=underlying, expiry=expiry, strike=strike, sides=sides, span=span)
    keys = [instrument.pk for instrument in instruments.values()]
    bars = contract_bars(instrument_ids=keys, timeframe=timeframe, span=span, columns=COLUMNS)
    found = {side: bars[instrument.pk] for side, instrument in instruments.items()}
    for columns in found.values():
        columns["flags"] = [[FLAGS[flag] for flag in Flag if flag & held] for held in columns["flags"]]
    return StrikeHistory(day, float(strike), found)


def contracts_at(
    *, underlying: Underlying, expiry: str, strike: Decimal, sides: Collection[str], span: TimeRange
) -> tuple[date, dict[str, Instrument]]:
    """Return what an expiry means at the end of a range, and its contracts of a strike by side; one query.

    Raises InvalidRequest for an expiry that is not listed, and where none of the sides is.
    """
    day = expiry_table(underlying=underlying, as_of_ms=span.to_ms - 1).resolve(expiry)
    kinds = {SIDES[side].value: side for side in sides}
    listed = Instrument.objects.filter(underlying=underlying, expiry=day, kind__in=kinds)
    held = {kinds[row.kind]: row for row in listed.filter(strike=strike)}
    if not held:
        strikes = {each for each in listed.values_list("strike", flat=True) if each is not None}
        near = sorted(sorted(strikes, key=lambda each: abs(each - strike))[:NEAREST])
        valid = [f"{each:.2f}" for each in near]
        raise InvalidRequest(f"strike {strike} of {day} is not listed on that side", field="strike", valid=valid)
    return day, {side: held[side] for side in SIDES if side in held}


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
