"""What /asyncapi.json says of the channels of this app: their parameters, their documents."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from fo_analytics.channels import MAX_LEVELS
from fo_analytics.domain.chain_view import FIELDS, SIDES
from fo_analytics.domain.packing import Kind
from fo_analytics.domain.timeframes import MINUTES
from streaming.asyncapi import ChannelShape, Schema, whole_object

_TYPES = {Kind.NUMBER: "number", Kind.WHOLE: "integer", Kind.WORD: "string"}

Underlying = Annotated[str, Meta(description="symbol or alias", examples=["NIFTY"])]
Expiry = Annotated[str | None, Meta(description="label or date; the nearest", examples=["NWeek+0", "2026-11-24"])]
Levels = Annotated[int, Meta(ge=0, le=MAX_LEVELS, description="strikes on each side of the one at the money")]

ConventionName = Annotated[Literal["exact", "nse"], Meta(description="how volatility and Greeks are computed")]


class ChainParameters(msgspec.Struct):
    """One expiry of one underlying; one of `underlying` and `symbol` is required."""

    underlying: Underlying | msgspec.UnsetType = msgspec.UNSET
    symbol: Underlying | msgspec.UnsetType = msgspec.UNSET
    expiry: Expiry = None
    levels: Levels = 50
    convention: ConventionName = "exact"


class MetricsParameters(msgspec.Struct):
    """One expiry of one underlying; one of `underlying` and `symbol` is required."""

    underlying: Underlying | msgspec.UnsetType = msgspec.UNSET
    symbol: Underlying | msgspec.UnsetType = msgspec.UNSET
    expiry: Expiry = None
    convention: ConventionName = "exact"


class UnderlyingParameters(msgspec.Struct):
    """One underlying; one of `underlying` and `symbol` is required."""

    underlying: Underlying | msgspec.UnsetType = msgspec.UNSET
    symbol: Underlying | msgspec.UnsetType = msgspec.UNSET


class BarsParameters(msgspec.Struct):
    """The underlying's own candles; one of `underlying` and `symbol` is required."""

    underlying: Underlying | msgspec.UnsetType = msgspec.UNSET
    symbol: Underlying | msgspec.UnsetType = msgspec.UNSET
    timeframe: Annotated[str, Meta(description="a timeframe or one of its other names", examples=[*MINUTES])] = "1m"


_CELL = whole_object({field: {"type": [_TYPES[kind], "null"]} for field, kind in FIELDS.items()})
_NUMBER, _TEXT, _TIME = {"type": ["number", "null"]}, {"type": "string"}, {"type": "integer"}
_HEAD = (
    dict.fromkeys(("underlying", "expiry"), _TEXT)
    | dict.fromkeys(("ts_event", "ts_expiry"), _TIME)
    | dict.fromkeys(("forward", "spot", "atm_strike", "atm_iv", "pcr_oi", "max_pain"), _NUMBER)
)
_STRIKE: Schema = {
    "type": "object",
    "properties": {"strike": {"type": "number"}, SIDES[0]: _CELL, SIDES[1]: _CELL},
    "required": ["strike"],
}
CHAIN: Schema = whole_object(
    {
        "head": whole_object(_HEAD),
        "strikes": {
            "type": "object",
            "description": "by strike; units as in /fo/strike-distribution",
            "additionalProperties": _STRIKE,
        },
    }
)

UNDERLYING: Schema = whole_object(
    dict.fromkeys(("underlying", "exchange", "session"), _TEXT)
    | {"ts_event": _TIME, "spot_ts": {"type": ["integer", "null"]}}
    | dict.fromkeys(("spot", "official_close"), _NUMBER)
    | {"expiries": {"type": "array", "items": _TEXT}}
)
BAR: Schema = whole_object(
    {"time": {"type": "integer", "description": "its open, Unix seconds"}}
    | dict.fromkeys(("open", "high", "low", "close"), _NUMBER)
)

CHANNELS = {
    "chain": ChannelShape("an option chain with marks, IV, Greeks and open interest", ChainParameters, CHAIN),
    "metrics": ChannelShape("the measures of one expiry's chain", MetricsParameters, whole_object(_HEAD)),
    "underlying": ChannelShape("what is live of an underlying", UnderlyingParameters, UNDERLYING),
    "bars": ChannelShape("the candle of an underlying that is being made", BarsParameters, BAR),
}
