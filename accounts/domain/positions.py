"""Positions: what is open, what it cost, what was realised. Money is exact.

Costs are by average: what is closed leaves at the average price of its side. So a position is a function of the sums of
what was bought and sold, whatever the order of the fills.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_DECIMALS = 4
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trades:
    """Sums of a day's fills: units, and rupees to four decimals."""

    bought: int = 0
    bought_value: Decimal = ZERO
    sold: int = 0
    sold_value: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Open:
    """What is open: `quantity` units, negative for short, and what was paid for it, negative where it was received."""

    quantity: int = 0
    cost: Decimal = ZERO

    @property
    def average_price(self) -> Decimal | None:
        """Rupees a unit, None where nothing is open; rounded half to even to four decimals."""
        return rounded(Fraction(self.cost) / self.quantity) if self.quantity else None


@dataclass(frozen=True, slots=True)
class Position:
    """What is open after trades, and what they realised, in rupees.

    Exact: sold value - bought value of the trades = realised - (cost now - cost carried).
    """

    open: Open
    realised: Decimal


def after(carried: Open, trades: Trades) -> Position:
    """Return the position that trades make of what was carried into the day.

    The cost of what stays open is rounded once, half to even, to four decimals; what is realised takes the rest.
    """
    bought, bought_value = trades.bought + max(carried.quantity, 0), trades.bought_value + max(carried.cost, ZERO)
    sold, sold_value = trades.sold + max(-carried.quantity, 0), trades.sold_value + max(-carried.cost, ZERO)
    left = bought - sold
    if left > 0:
        cost = rounded(Fraction(bought_value) * left / bought)
    elif left < 0:
        cost = rounded(Fraction(sold_value) * left / sold)
    else:
        cost = ZERO
    return Position(Open(left, cost), realised=sold_value - bought_value + cost)


def carried_through(carried: Open, days: Iterable[Trades]) -> Open:
    """Return what is open after the trades of several days, one day after another."""
    for trades in days:
        carried = after(carried, trades).open
    return carried


def unrealised(held: Open, last: Decimal) -> Decimal:
    """Return what closing at a price (rupees a unit) would realise."""
    return last * held.quantity - held.cost


def rounded(value: Fraction) -> Decimal:
    """Return rupees, rounded half to even to four decimals."""
    return Decimal(round(value * 10**_DECIMALS)).scaleb(-_DECIMALS)
