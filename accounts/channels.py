"""The channel of orders: who may follow which account."""

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from accounts.access import readable_accounts
from accounts.order_stream import LARGEST_KEY
from accounts.topics import orders_topic
from streaming.authentication import Principal
from streaming.protocol import ProtocolError, Withdrawn
from streaming.topics import Subscription
from tradingviz.core.clock import now_ms

ORDERS = "orders"
# A share may be taken back: so often it is asked whether there still is one.
LOOK_AGAIN_MS = 2_000


async def subscribe_orders(params: Mapping[str, Any], principal: Principal) -> Subscription:
    """Follow the orders of an account that one may read: `account`, its id.

    Raises ProtocolError `invalid_parameter`, the same for an account of others and for none, or `not_available`.
    """
    if unknown := sorted(set(params) - {"account"}):
        raise ProtocolError("invalid_parameter", f"unknown parameter {unknown[0]!r}")
    account = params.get("account")
    if type(account) is not int:
        raise ProtocolError("invalid_parameter", "account is the id of a trading account")
    if not await _may_read(account, principal.user_id):
        raise Withdrawn("invalid_parameter", f"there is no account {account} for you")
    return Subscription(orders_topic(account), rolls_at=now_ms() + LOOK_AGAIN_MS, echo={"account": account})


async def _may_read(account: int, user_id: int) -> bool:
    readable = readable_accounts(user_id=user_id).filter(pk=account)
    try:
        return 0 < account <= LARGEST_KEY and await database_sync_to_async(readable.exists, thread_sensitive=False)()
    except DatabaseError as error:
        raise ProtocolError("not_available", "the database does not answer") from error
