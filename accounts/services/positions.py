"""Positions, counted from the fills of orders and from what the broker says was carried."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import DecimalField, F, QuerySet, Sum
from django.db.models.functions import TruncDate

from accounts.domain.positions import Open, Trades, after
from accounts.models import Order, Position
from accounts.times import midnight

Key = tuple[int, int, str]
Days = dict[date, Trades]
_COUNTED = (
    "exchange", "tradingsymbol", "overnight_quantity", "overnight_cost", "overnight_given", "bought", "bought_value",
    "sold", "sold_value",
)  # fmt: skip


@dataclass(slots=True)
class Touched:
    """Contracts whose fills changed, by account, token and product: their names, and the first day it concerns."""

    names: dict[Key, tuple[str, str]] = field(default_factory=dict)
    first: date = date.max

    def add(self, order: Order | Position, days: Collection[date]) -> None:
        """Note that fills of an order changed on some days; nothing where there are none."""
        if days:
            self.names[order.account_id, order.token, order.product] = (order.exchange, order.tradingsymbol)
            self.first = min(self.first, *days)


def recount(*, touched: Touched) -> None:
    """Write the positions of contracts anew from the first day on, later days too; three queries and a write.

    Runs inside the transaction that changed the fills, under the lock of their accounts.
    """
    if not touched.names:
        return
    held, carried = _held(touched), _carried(touched)
    traded = _traded(touched)
    rows = [
        row
        for key, names in touched.names.items()
        for row in _days(key, names, held[key], traded[key], carried.get(key, Open()))
    ]
    Position.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["account", "token", "product", "date"], update_fields=_COUNTED
    )


def _days(key: Key, names: tuple[str, str], held: dict[date, Position], traded: Days, carried: Open) -> list[Position]:
    """Return the rows of one contract, each carrying what the one before it left, unless the broker said otherwise."""
    account_id, token, product = key
    rows = []
    for day in sorted(held.keys() | traded.keys()):
        row = held.get(day) or Position(account_id=account_id, date=day, token=token, product=product)
        row.exchange, row.tradingsymbol = names
        trades = traded.get(day, Trades())
        row.bought, row.bought_value, row.sold, row.sold_value = (
            trades.bought, trades.bought_value, trades.sold, trades.sold_value,
        )  # fmt: skip
        if not row.overnight_given:
            row.overnight_quantity, row.overnight_cost = carried.quantity, carried.cost
        carried = after(Open(row.overnight_quantity, row.overnight_cost), trades).open
        rows.append(row)
    return rows


def _held(touched: Touched) -> dict[Key, dict[date, Position]]:
    found: dict[Key, dict[date, Position]] = defaultdict(dict)
    for row in _rows_of(touched).filter(date__gte=touched.first):
        found[row.account_id, row.token, row.product][row.date] = row
    return found


def _carried(touched: Touched) -> dict[Key, Open]:
    """Return what the newest day before the first one left of each contract."""
    before = _rows_of(touched).filter(date__lt=touched.first)
    newest = before.order_by("account_id", "token", "product", "-date").distinct("account_id", "token", "product")
    return {(row.account_id, row.token, row.product): left_of(row) for row in newest}


def left_of(row: Position) -> Open:
    """Return what is open at the end of a day."""
    return after(Open(row.overnight_quantity, row.overnight_cost), trades_of(row)).open


def trades_of(row: Position) -> Trades:
    """Return the sums of a day's fills."""
    return Trades(row.bought, row.bought_value, row.sold, row.sold_value)


def _rows_of(touched: Touched) -> QuerySet[Position]:
    accounts, tokens, products = (set(part) for part in zip(*touched.names, strict=True))
    return Position.objects.filter(account_id__in=accounts, token__in=tokens, product__in=products)


def _traded(touched: Touched) -> dict[Key, Days]:
    """Return the sums of fills of each contract and day, from the first one on."""
    accounts, tokens, products = (set(part) for part in zip(*touched.names, strict=True))
    fills = Order.objects.filter(
        account_id__in=accounts, token__in=tokens, product__in=products, filled__gt=0,
        filled_at__gte=midnight(touched.first),
    )  # fmt: skip
    sums = fills.order_by().values_list("account_id", "token", "product", TruncDate("filled_at"), "side")
    found: dict[Key, dict[date, dict[str, tuple[int, Decimal]]]] = defaultdict(lambda: defaultdict(dict))
    value_of = F("filled") * F("average_price")
    added = {"units": Sum("filled"), "value": Sum(value_of, output_field=DecimalField())}
    for account_id, token, product, day, side, units, value in sums.annotate(**added):
        found[account_id, token, product][day][side] = (int(units), value)
    nothing = (0, Decimal(0))
    return defaultdict(dict) | {
        key: {day: Trades(*sides.get("BUY", nothing), *sides.get("SELL", nothing)) for day, sides in days.items()}
        for key, days in found.items()
    }
