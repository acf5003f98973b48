"""Orders as they are stored, and as answers and frames have them."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.models import Order, OrderStatus
from accounts.times import iso, midnight, to_ms
from tradingviz.core.bodies import price_text

# So many of a day's orders stand in the live document, the newest; the counts are of all.
MOST_LIVE = 200
Json = dict[str, Any]
# By account and primary key: when an order was stored, and how frames have it.
Rendered = dict[int, dict[int, tuple[datetime, Json]]]


def orders_of(*, account_id: int, day: date | None = None, status: str | None = None) -> QuerySet[Order]:
    """Return an account's orders, newest first; those of a day alone, or of a status, where one is given."""
    asked = Q(account_id=account_id)
    if day is not None:
        asked &= on_day(day)
    if status is not None:
        asked &= Q(status=status)
    return Order.objects.filter(asked).order_by("-updated_at", "-id")


def order_documents(
    *, account_ids: Collection[int], day: date, known: Rendered | None = None
) -> dict[int, tuple[Json, int]]:
    """Return what is live of accounts on a date: the document and its event time (ms UTC). Three queries.

    A document has `date`, `counts` by status and in `total`, and `orders` by their ids, at most MOST_LIVE, the newest.
    The event time is the newest order's, of a day without orders its midnight. Orders that `known` holds as they are
    stored are not read again; afterwards it holds those of the documents.
    """
    known = {} if known is None else known
    documents = {account_id: (_empty(day), to_ms(midnight(day))) for account_id in account_ids}
    theirs = Order.objects.filter(on_day(day), account_id__in=account_ids)
    for account_id, status, count in theirs.order_by().values_list("account_id", "status").annotate(Count("id")):
        counts = documents[account_id][0]["counts"]
        counts[status], counts["total"] = count, counts["total"] + count
    newest = Window(RowNumber(), partition_by="account_id", order_by=[F("updated_at").desc(), F("id").desc()])
    shown = theirs.order_by().annotate(place=newest).filter(place__lte=MOST_LIVE)
    keys: dict[int, dict[int, datetime]] = {account_id: {} for account_id in account_ids}
    for account_id, pk, received_at, updated_at in shown.values_list("account_id", "pk", "received_at", "updated_at"):
        keys[account_id][pk] = received_at
        document, ts_event = documents[account_id]
        documents[account_id] = document, max(ts_event, to_ms(updated_at))
    _learn(keys, known)
    for account_id, (document, _) in documents.items():
        document["orders"] = {order["order_id"]: order for _, order in known[account_id].values()}
    return documents


def _learn(keys: dict[int, dict[int, datetime]], known: Rendered) -> None:
    """Let `known` hold just these orders of these accounts, as they are stored; one query."""
    for account_id, wanted in keys.items():
        held = known.get(account_id, {})
        known[account_id] = {pk: one for pk, one in held.items() if wanted.get(pk) == one[0]}
    missing = [pk for account_id, wanted in keys.items() for pk in wanted.keys() - known[account_id].keys()]
    for order in Order.objects.filter(pk__in=missing).order_by():
        known[order.account_id][order.pk] = order.received_at, rendered(order)


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
