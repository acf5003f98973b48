"""What this app's channels take and send, for the AsyncAPI document."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fo_analytics.domain.chain_view import GREEKS
from streaming.asyncapi import ChannelShape, Schema, whole_object


class M2MParameters(msgspec.Struct):
    """A strategy that you may see."""

    strategy: Annotated[int, Meta(ge=1, description="its id")]


def _by(key: str, schema: Schema) -> Schema:
    return {"type": "object", "description": f"by {key}", "additionalProperties": schema}


_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_RUPEES = {"type": ["string", "null"], "description": "rupees, decimal text"}
_TIME = {"type": ["integer", "null"], "description": "ms UTC"}
_AMOUNTS = dict.fromkeys(("value", "realised", "unrealised"), _RUPEES)
_GREEKS = {
    **whole_object(dict.fromkeys(GREEKS, _NUMBER)),
    "type": ["object", "null"],
}
_LEG = whole_object(
    {"units": {"type": "integer"}, "price": _RUPEES, "price_source": {"type": ["string", "null"]}, "price_ts": _TIME}
    | {"fresh": {"type": ["boolean", "null"]}}
    | _AMOUNTS
)
_ALERT = whole_object({"condition": _TEXT, "threshold": _RUPEES, "fired_ts": _TIME, "fired_value": _RUPEES})
M2M: Schema = whole_object(
    {"strategy": {"type": "integer"}, "status": _TEXT, "valuation": _TEXT, "ts_event": _TIME}
    | _AMOUNTS
    | {
        "partial": {"type": "boolean"},
        "reason": {"type": ["string", "null"]},
        "greeks": _GREEKS,
        "greeks_missing": {"type": "array", "items": {"type": "integer"}},
        "legs": _by("leg", _LEG),
        "alerts": _by("alert", _ALERT),
    }
)

CHANNELS = {"m2m": ChannelShape("what a strategy is worth, marked to market", M2MParameters, M2M)}
