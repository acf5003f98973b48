"""Orders as they are stored, and as answers and frames have them."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.models import Order, OrderStatus
from accounts.times import iso, midnight, to_ms
from tradingviz.core.bodies import price_text

# So many of a day's orders stand in the live document, the newest; the counts are of all.
MOST_LIVE = 200
Json = dict[str, Any]


def orders_of(*, account_id: int, day: date | None = None, status: str | None = None) -> QuerySet[Order]:
    """Return an account's orders, newest first; those of a day alone, or of a status, where one is given."""
    asked = Q(account_id=account_id)
    if day is not None:
        asked &= on_day(day)
    if status is not None:
        asked &= Q(status=status)
    return Order.objects.filter(asked).order_by("-updated_at", "-id")


def order_documents(*, account_ids: Collection[int], day: date) -> dict[int, tuple[Json, int]]:
    """Return what is live of accounts on a date: the document and its event time (ms UTC). Two queries.

    A document has `date`, `counts` by status and in `total`, and `orders` by their ids, at most MOST_LIVE, the newest.
    The event time is the newest order's, of a day without orders its midnight.
    """
    documents = {account_id: (_empty(day), to_ms(midnight(day))) for account_id in account_ids}
    theirs = Order.objects.filter(on_day(day), account_id__in=account_ids)
    for account_id, status, count in theirs.order_by().values_list("account_id", "status").annotate(Count("id")):
        counts = documents[account_id][0]["counts"]
        counts[status], counts["total"] = count, counts["total"] + count
    newest = Window(RowNumber(), partition_by="account_id", order_by=[F("updated_at").desc(), F("id").desc()])
    for order in theirs.order_by().annotate(place=newest).filter(place__lte=MOST_LIVE):
        document, ts_event = documents[order.account_id]
        document["orders"][order.order_id] = rendered(order)
        documents[order.account_id] = document, max(ts_event, to_ms(order.updated_at))
    return documents


def rendered(order: Order) -> Json:
    """Return an order as answers and frames have it."""
    return {
        "order_id": order.order_id,
        "token": order.token,
        "exchange": order.exchange,
        "tradingsymbol": order.tradingsymbol,
        "side": order.side,
        "order_type": order.order_type,
        "product": order.product,
        "quantity": order.quantity,
        "price": None if order.price is None else price_text(order.price),
        "filled": order.filled,
        "average_price": None if order.average_price is None else price_text(order.average_price),
        "status": order.status,
        "reason": order.reason or None,
        "updated_at": iso(order.updated_at),
        "filled_at": iso(order.filled_at),
    }


def on_day(day: date) -> Q:
    """Return which orders were last changed on a date of the exchange."""
    return Q(updated_at__gte=midnight(day), updated_at__lt=midnight(day + timedelta(days=1)))


def _empty(day: date) -> Json:
    return {"date": day.isoformat(), "counts": dict.fromkeys((*OrderStatus.values, "total"), 0), "orders": {}}
