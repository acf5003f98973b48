"""Order updates and the state they add up to.

Updates of one order may come twice and in any order. Its status and terms are those of the greatest update (later
status, then later stamp), its fill is the greatest fill (more units, then later stamp): so the same updates end in the
same state whatever their arrival, and neither ever goes back.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

# What an order may be at most: units, and rupees a unit.
MOST_UNITS = 1_000_000_000
MOST_RUPEES = Decimal(100_000_000)
_POINT = Decimal("0.0001")
# 2000 to 2100, ms UTC.
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000

Text = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\x20-\x7e]*\Z")]
Units = Annotated[int, Meta(ge=0, le=MOST_UNITS)]
Stamp = Annotated[int, Meta(ge=_FIRST_MS, le=_LAST_MS)]


class Status(StrEnum):
    """Where an order is in its life; it goes forward through RANK."""

    OPEN = "OPEN"
    PARTIAL = "PARTIAL"
    COMPLETE = "COMPLETE"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


RANK = {Status.OPEN: 0, Status.PARTIAL: 1, Status.COMPLETE: 2, Status.CANCELLED: 2, Status.REJECTED: 2}
"""How late a status is; of two that are equally late the later stamp holds."""


class InvalidUpdate(ValueError):
    """Not an order update; `field` names what is wrong, "" for the whole."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class OrderUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker said of an order at `ts` (the exchange's stamp, ms UTC).

    Quantities are units, prices rupees a unit, None where there is none: the price of an order at market, the average
    price of what is not filled.
    """

    order_id: Text
    status: Status
    ts: Stamp
    token: Annotated[int, Meta(ge=1, le=2**53)]
    exchange: Text
    tradingsymbol: Text
    side: Literal["BUY", "SELL"]
    order_type: Text
    product: Text
    quantity: Units
    filled: Units = 0
    price: Decimal | None = None
    average_price: Decimal | None = None
    reason: Annotated[str, Meta(max_length=200)] | None = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an order: `terms` is its greatest update without the fill, which is the greatest of all.

    `filled_at` is in ms UTC, 0 for never.
    """

    terms: OrderUpdate
    filled: int
    filled_at: int
    average_price: Decimal | None

    @property
    def order_id(self) -> str:
        """What the broker calls it."""
        return self.terms.order_id


def read_update(raw: Any) -> OrderUpdate:
    """Return the update that a decoded map holds; keys it does not know are left out. Raises InvalidUpdate.

    Prices are rounded half to even to four decimals.
    """
    try:
        read = msgspec.convert(raw, OrderUpdate)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise InvalidUpdate(message, place.strip(".`")) from error
    update = msgspec.structs.replace(
        read,
        price=_rounded(read.price, "price"),
        average_price=_rounded(read.average_price, "average_price") if read.filled else None,
        reason=_printable(read.reason),
    )
    _check(update)
    return update


def begun(update: OrderUpdate) -> Order:
    """Return the state of an order of which nothing but an update is known."""
    filled_at = update.ts if update.filled else 0
    terms = msgspec.structs.replace(update, filled=0, average_price=None)
    return Order(terms=terms, filled=update.filled, filled_at=filled_at, average_price=update.average_price)


def merged(held: Order | None, update: OrderUpdate) -> Order:
    """Return the state of an order after another of its updates."""
    fresh = begun(update)
    if held is None:
        return fresh
    fill = max(held, fresh, key=_fill_key)
    return Order(
        terms=max(held.terms, fresh.terms, key=_key),
        filled=fill.filled,
        filled_at=fill.filled_at,
        average_price=fill.average_price,
    )


def merged_all(held: Order | None, updates: Iterable[OrderUpdate]) -> Order | None:
    """Return the state after some updates of one order; None where nothing was ever known."""
    for update in updates:
        held = merged(held, update)
    return held


def _key(update: OrderUpdate) -> tuple[Any, ...]:
    """Return what makes an update the greater; the rest decides between two that contradict each other."""
    price = (update.price is not None, update.price or 0)
    rest = (update.status, update.token, update.exchange, update.tradingsymbol, update.side, update.order_type)
    return (RANK[update.status], update.ts, *rest, update.product, update.quantity, price, update.reason or "")


def _fill_key(order: Order) -> tuple[Any, ...]:
    return (order.filled, order.filled_at, order.average_price or 0)


def _check(update: OrderUpdate) -> None:
    if update.order_id == "-":
        raise InvalidUpdate("a dash alone means something else in documents of orders", "order_id")
    if update.quantity == 0:
        raise InvalidUpdate("an order is of one unit at least", "quantity")
    if update.filled > update.quantity:
        raise InvalidUpdate("more is filled than was ordered", "filled")
    if update.status is Status.COMPLETE and update.filled != update.quantity:
        raise InvalidUpdate("a complete order is filled", "filled")
    if update.filled and update.average_price is None:
        raise InvalidUpdate("what is filled has a price", "average_price")


def _rounded(price: Decimal | None, field: str) -> Decimal | None:
    if price is None:
        return None
    if not (price.is_finite() and 0 <= price <= MOST_RUPEES):
        raise InvalidUpdate(f"a price is a number from 0 to {MOST_RUPEES}", field)
    return price.quantize(_POINT, ROUND_HALF_EVEN)


def _printable(reason: str | None) -> str | None:
    """Return a reason without what no reason holds, such as a null byte; None for an empty one."""
    return "".join(letter for letter in reason if letter.isprintable()) or None if reason else None
