"""Order updates, stored: the only place that writes orders."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.domain import orders as domain
from accounts.domain.orders import OrderUpdate, merged_all
from accounts.models import Order, TradingAccount
from accounts.order_stream import Addressed
from accounts.services.positions import Touched, recount
from accounts.times import day_of, from_ms, to_ms

# How far the exchange's clock may be ahead of ours; a later stamp would hold against all that follow.
AHEAD_MS = 5 * 60_000
_TERMS = (
    "token", "exchange", "tradingsymbol", "side", "order_type", "product", "quantity", "price", "filled", "filled_at",
    "average_price", "status", "reason", "updated_at", "received_at",
)  # fmt: skip

Key = tuple[int, str]


@dataclass(slots=True)
class Stored:
    """What came of updates: the accounts they are of, and how many were left out by why."""

    accounts: set[int] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def store_updates(*, updates: Sequence[Addressed], now_ms: int) -> Stored:
    """Fold updates into orders and positions, in one transaction and a constant number of queries. Safe to repeat.

    Left out are those of accounts that are unknown or not active (`unknown_account`), and those whose stamp lies more
    than AHEAD_MS after `now_ms` (`stamp_ahead`). Two callers at once wait for each other, account by account.
    """
    stored = Stored()
    with transaction.atomic():
        known = _locked({item.account for item in updates})
        fresh: dict[Key, list[OrderUpdate]] = defaultdict(list)
        for item in updates:
            if reason := _refusal(item, known, now_ms):
                stored.left_out[reason] += 1
            else:
                fresh[known[item.account], item.update.order_id].append(item.update)
        _fold(fresh)
    stored.accounts = {account_id for account_id, _ in fresh}
    return stored


def _refusal(item: Addressed, known: dict[str | int, int], now_ms: int) -> str | None:
    if item.account not in known:
        return "unknown_account"
    return "stamp_ahead" if item.update.ts > now_ms + AHEAD_MS else None


def _locked(names: Iterable[str | int]) -> dict[str | int, int]:
    """Return the keys of active accounts by what they are called, and keep others from writing their orders."""
    codes = [name for name in names if isinstance(name, str)]
    keys = [name for name in names if isinstance(name, int)]
    named = TradingAccount.objects.filter(Q(pk__in=keys) | Q(feed_code__in=codes), is_active=True)
    found: dict[str | int, int] = {}
    for pk, code in named.order_by("pk").select_for_update(no_key=True).values_list("pk", "feed_code"):
        found |= {pk: pk} | ({code: pk} if code else {})
    return found


def _fold(fresh: dict[Key, list[OrderUpdate]]) -> None:
    """Write the orders that updates change, and count the positions anew that follow."""
    accounts, ids = {account_id for account_id, _ in fresh}, {order_id for _, order_id in fresh}
    rows = Order.objects.filter(account_id__in=accounts, order_id__in=ids)
    held = {(row.account_id, row.order_id): row for row in rows if (row.account_id, row.order_id) in fresh}
    changed, touched = [], Touched()
    for key, found in fresh.items():
        row = held.get(key)
        before = None if row is None else _state(row)
        after = merged_all(before, found)
        if after is None or after == before:
            continue
        made = _row(key[0], after)
        changed.append(made)
        touched.add(made, [day_of(at) for at in (row and row.filled_at, made.filled_at) if at])
        if row is not None and (row.token, row.product) != (made.token, made.product) and row.filled_at:
            touched.add(row, [day_of(row.filled_at)])
    Order.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["account", "order_id"], update_fields=_TERMS
    )
    recount(touched=touched)


def _state(row: Order) -> domain.Order:
    terms: Any = {
        name: getattr(row, name)
        for name in ("order_id", "token", "exchange", "tradingsymbol", "side", "order_type", "product", "quantity")
    }
    return domain.Order(
        terms=OrderUpdate(
            **terms,
            price=row.price,
            status=domain.Status(row.status),
            ts=to_ms(row.updated_at),
            reason=row.reason or None,
        ),
        filled=row.filled,
        filled_at=to_ms(row.filled_at) if row.filled_at else 0,
        average_price=row.average_price,
    )


def _row(account_id: int, order: domain.Order) -> Order:
    terms = order.terms
    return Order(
        account_id=account_id,
        order_id=terms.order_id,
        token=terms.token,
        exchange=terms.exchange,
        tradingsymbol=terms.tradingsymbol,
        side=terms.side,
        order_type=terms.order_type,
        product=terms.product,
        quantity=terms.quantity,
        price=terms.price,
        filled=order.filled,
        filled_at=from_ms(order.filled_at) if order.filled_at else None,
        average_price=order.average_price,
        status=terms.status,
        reason=terms.reason or "",
        updated_at=from_ms(terms.ts),
    )
