"""What is listed: underlyings, instruments, indicators."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.asking import PROBLEMS, Questions, validated
from fo_analytics.api.examples import example
from fo_analytics.api.reference_shapes import (
    IndicatorsShape,
    InstrumentsParameters,
    InstrumentsShape,
    NoParameters,
    UnderlyingsShape,
    cursor_of,
)
from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.domain.indicators import INDICATORS
from fo_analytics.models import Underlying
from fo_analytics.selectors.listing import Filters, list_instruments, list_underlyings
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.strike_distribution import expiries_as_of
from tradingviz.core.errors import InvalidRequest

Json = dict[str, Any]


class ReferenceQuestions(Questions):
    """What is listed: underlyings, instruments, indicators."""

    @extend_schema(
        operation_id="fo_indicators",
        summary="What series can be of: names, units, meanings",
        responses={200: IndicatorsShape, **PROBLEMS},
        examples=[example("indicators")],
    )
    @action(detail=False, url_path="indicators")
    def indicators(self, request: Request) -> Response:
        """List the indicators of `/fo/moneyness-series`; those of chains are the metrics of `/fo/metrics-series`."""
        return self.answer(request, validated(NoParameters, request), _indicators, timeframe="1d")

    @extend_schema(
        operation_id="fo_underlyings",
        summary="Underlyings with their aliases and what is known of them",
        responses={200: UnderlyingsShape, **PROBLEMS},
        examples=[example("underlyings")],
    )
    @action(detail=False, url_path="underlyings")
    def underlyings(self, request: Request) -> Response:
        """List all underlyings."""
        return self.answer(request, validated(NoParameters, request), _underlyings)

    @extend_schema(
        operation_id="fo_instruments",
        summary="Instruments with their terms, page by page",
        parameters=[InstrumentsParameters],
        responses={200: InstrumentsShape, **PROBLEMS},
        examples=[example("instruments")],
    )
    @action(detail=False, url_path="instruments")
    def instruments(self, request: Request) -> Response:
        """List instruments in order of underlying, expiry, strike and kind."""
        asked = validated(InstrumentsParameters, request)
        return self.answer(request, asked, lambda: _instruments(asked))


def _indicators() -> Json:
    rows = [
        {"name": one.name, "aliases": one.aliases, "of": one.of, "unit": one.unit, "meaning": one.meaning}
        for one in INDICATORS
    ]
    return {"indicators": rows}


def _underlyings() -> Json:
    rows = [
        {
            "symbol": one.underlying.symbol,
            "exchange": one.underlying.exchange,
            "is_index": one.underlying.is_index,
            "aliases": one.aliases,
            "expiries": one.expiries,
            "ts_event": one.newest_ms,
        }
        for one in list_underlyings()
    ]
    return {"underlyings": rows}


def _instruments(asked: Mapping[str, Any]) -> Json:
    name = asked.get("underlying")
    underlying = None if name is None else find_underlying(name=name)
    filters = Filters(
        underlying=underlying,
        expiry=_expiry(asked, underlying),
        kinds=tuple(asked.get("kind", ())),
        strike_min=asked.get("strike_min"),
        strike_max=asked.get("strike_max"),
        day=ist_date(from_ms(asked["at"])) if "at" in asked else None,
    )
    page = list_instruments(filters=filters, after=asked.get("cursor"), limit=asked["limit"])
    return {
        "day": page.day,
        "instruments": [_instrument(row) for row in page.rows],
        "next": None if page.end is None else cursor_of(page.end),
    }


def _expiry(asked: Mapping[str, Any], underlying: Underlying | None) -> date | None:
    """Return the date that `expiry` means. Raises InvalidRequest for what is neither a date nor a label of theirs."""
    text = asked.get("expiry")
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    if underlying is None:
        raise InvalidRequest("a date like 2026-02-03; a label needs an underlying", field="expiry")
    _, table = expiries_as_of(underlying=underlying.symbol, at=asked.get("at"))
    return table.resolve(text)


def _instrument(row: Mapping[str, Any]) -> Json:
    strike = row["strike"]
    return {
        "token": row["token"],
        "tradingsymbol": row["tradingsymbol"],
        "underlying": row["symbol"],
        "kind": row["kind"],
        "expiry": row["expiry"],
        "strike": None if strike is None else float(strike),
        "lot_size": row["lot"],
        "tick_size": float(row["tick"]),
        "valid_from": row["valid_from"],
        "valid_to": row["valid_to"],
    }
