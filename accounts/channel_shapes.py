"""What /asyncapi.json says of the channels of this app."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from accounts.channels import ORDERS
from accounts.models import OrderStatus
from streaming.asyncapi import ChannelShape, Schema


class OrdersParameters(msgspec.Struct):
    """One trading account of yours, or one that is shared with you."""

    account: Annotated[int, Meta(ge=1, description="its id")]


def _object(properties: dict[str, Any]) -> Schema:
    """Return the schema of an object of which nothing may be absent."""
    return {"type": "object", "properties": properties, "required": list(properties)}


_TEXT, _NUMBER, _MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
_STATUS = {"type": "string", "enum": list(OrderStatus.values)}
ORDER: Schema = _object(
    dict.fromkeys(("order_id", "exchange", "tradingsymbol", "side", "order_type", "product", "updated_at"), _TEXT)
    | dict.fromkeys(("token", "quantity", "filled"), _NUMBER)
    | dict.fromkeys(("price", "average_price", "reason", "filled_at"), _MAYBE)
    | {"status": _STATUS}
)
DOCUMENT: Schema = _object(
    {
        "date": {"type": "string", "format": "date"},
        "counts": _object(dict.fromkeys((*OrderStatus.values, "total"), _NUMBER)),
        "orders": {
            "type": "object",
            "description": "by order_id, the newest of the date; fields as in /accounts/{id}/orders",
            "additionalProperties": ORDER,
        },
    }
)
CHANNELS = {ORDERS: ChannelShape("the orders of a trading account today", OrdersParameters, DOCUMENT)}
