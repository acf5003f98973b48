"""What /asyncapi.json says of the channels of this app."""

from typing import Annotated

import msgspec
from msgspec import Meta

from accounts.channels import ORDERS
from accounts.models import OrderStatus
from streaming.asyncapi import ChannelShape, Schema, whole_object


class OrdersParameters(msgspec.Struct):
    """One trading account of yours, or one that is shared with you."""

    account: Annotated[int, Meta(ge=1, description="its id")]


_TEXT, _NUMBER, _MAYBE = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
_STATUS = {"type": "string", "enum": list(OrderStatus.values)}
ORDER: Schema = whole_object(
    dict.fromkeys(("order_id", "exchange", "tradingsymbol", "side", "order_type", "product", "updated_at"), _TEXT)
    | dict.fromkeys(("token", "quantity", "filled"), _NUMBER)
    | dict.fromkeys(("price", "average_price", "reason", "filled_at"), _MAYBE)
    | {"status": _STATUS}
)
DOCUMENT: Schema = whole_object(
    {
        "date": {"type": "string", "format": "date"},
        "counts": whole_object(dict.fromkeys((*OrderStatus.values, "total"), _NUMBER)),
        "orders": {
            "type": "object",
            "description": "by order_id, the newest of the date; fields as in /accounts/{id}/orders",
            "additionalProperties": ORDER,
        },
    }
)
CHANNELS = {ORDERS: ChannelShape("the orders of a trading account today", OrdersParameters, DOCUMENT)}
