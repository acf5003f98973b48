"""Accounts day by day: what each is worth while its session lasts, and what it was when it ended."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, F, Sum
from django.utils import timezone

from accounts.models import AccountSnapshot, Order, TradingAccount
from accounts.selectors.orders import on_day
from accounts.selectors.positions import positions_of
from accounts.times import day_of, midnight
from accounts.valuation import market

_VALUES = (
    "realised", "unrealised", "open_positions", "unpriced", "orders", "holdings_cost", "cash", "used_margin",
    "available", "taken_at",
)  # fmt: skip


def take_snapshots() -> int:
    """Write the snapshot of today's session of every active account, in place of an earlier one; return how many.

    Nothing on a day without a session. Safe to repeat and to run twice at once: the last one of a day stays.
    """
    today = day_of(timezone.now())
    if not market().is_session(today):
        return 0
    accounts = TradingAccount.objects.filter(is_active=True).select_related("funds")
    rows = [_snapshot(account, today) for account in accounts.iterator(chunk_size=500)]
    AccountSnapshot.objects.bulk_create(
        rows, batch_size=1_000, update_conflicts=True, unique_fields=["account", "time"], update_fields=_VALUES
    )
    return len(rows)


def _snapshot(account: TradingAccount, day: date) -> AccountSnapshot:
    """Return what an account is worth now; four queries."""
    positions = positions_of(account_id=account.pk, day=day).net
    unpriced = sum(line.unrealised is None for line in positions)
    cost = account.holdings.aggregate(
        cost=Sum(F("quantity") * F("average_price"), output_field=DecimalField(max_digits=30, decimal_places=4))
    )["cost"]
    unrealised = None if unpriced else sum((line.unrealised or Decimal(0) for line in positions), Decimal(0))
    funds: Any = getattr(account, "funds", None)
    return AccountSnapshot(
        account=account,
        time=midnight(day),
        realised=sum((line.realised for line in positions), Decimal(0)),
        unrealised=unrealised,
        open_positions=sum(line.open.quantity != 0 for line in positions),
        unpriced=unpriced,
        orders=Order.objects.filter(on_day(day), account=account).count(),
        holdings_cost=cost or 0,
        cash=funds and funds.cash,
        used_margin=funds and funds.used_margin,
        available=funds and funds.available,
        taken_at=timezone.now(),
    )
