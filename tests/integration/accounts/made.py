"""Order updates to try things with, as the ticker's stream has them."""

from typing import Any

import msgspec
import redis

from accounts.domain.orders import read_update
from accounts.models import TradingAccount, User
from accounts.order_stream import KEY, Addressed
from accounts.services.trading import create_account

START = 1_795_366_513_250  # 2026-11-22 22:25:13.250 IST
DAY_MS = 86_400_000
TOKEN = 43_712_601
CODE = "DEMO01"
Raw = dict[str, Any]


def raw(order_id: str = "1", **changed: Any) -> Raw:
    """Return an update: an order to buy 195 at 171.40 that is open."""
    made: Raw = {
        "account": CODE, "order_id": order_id, "status": "OPEN", "ts": START, "token": TOKEN, "exchange": "NFO",
        "tradingsymbol": "NIFTY26NOV2426000CE", "side": "BUY", "order_type": "LIMIT", "product": "NRML",
        "quantity": 195, "filled": 0, "price": 171.4, "average_price": None, "reason": None,
    }  # fmt: skip
    return made | changed


def filled(order_id: str, units: int, price: float, **changed: Any) -> Raw:
    """Return an update of an order that is filled: bought, or sold where `units` are negative."""
    side = "BUY" if units > 0 else "SELL"
    done = {"status": "COMPLETE", "quantity": abs(units), "filled": abs(units), "average_price": price, "side": side}
    return raw(order_id, **{"ts": START + 1_000, **done, **changed})


def addressed(*updates: Raw) -> list[Addressed]:
    """Return updates as they are read from the stream."""
    return [Addressed(one["account"], read_update(one)) for one in updates]


def send(client: redis.Redis, *updates: Any) -> None:
    """Put updates on the stream, as the ticker service does."""
    for update in updates:
        client.xadd(KEY, {"b": update if isinstance(update, bytes) else msgspec.msgpack.encode(update)})


def demo_account(owner: User, name: str = "demo", code: str | None = CODE) -> TradingAccount:
    """Make an account that the stream knows by a code."""
    account, _ = create_account(owner_id=owner.pk, name=name, broker="paper")
    TradingAccount.objects.filter(pk=account.pk).update(feed_code=code)
    account.refresh_from_db()
    return account
