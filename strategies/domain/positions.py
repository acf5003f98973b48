"""The value of many strategies at once, over many seconds: whole numbers in numpy, the same results as `m2m`.

A row is what one leg was for a time: signed open units, and cash, what its trades left behind. The value of a strategy
is Σ units × price + cash, in points (0.00001 rupees), whatever averages its entries have: these only part it into
realised and unrealised. Instruments are columns of a price table, called slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import to_ms
from strategies.domain.legs import Leg, State
from strategies.domain.money import POINTS, SAFE_POINTS, Ints, points_of

Mask = npt.NDArray[np.bool_]

FOREVER = np.iinfo(np.int64).max
_MISSING, _MOVED, _OLD, _ACTIVE = 1, 2, 4, 8  # what is said of a row in a second
UNPRICED = -1  # slot of a frozen leg of which no price is known


class MoneyOverflow(OverflowError):
    """Amounts beyond what 64 bits hold exactly (some 46 million million rupees in one strategy)."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Prices of instruments, (k,) each, in any order, repeats allowed: slot, stamp (milliseconds UTC), price (points).

    Within a second the newest counts, of equally new ones the highest.
    """

    slot: Ints
    ts: Ints
    price: Ints

    def joined(self, other: Marks) -> Marks:
        """Return the union of two sets of marks."""
        pairs = ((self.slot, other.slot), (self.ts, other.ts), (self.price, other.price))
        return Marks(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices (slots, seconds) in points, -1 where there is none yet; `ts` (milliseconds, 0: none) is when they were
    made; `marked` where one was made in that very second. `second` (seconds,) Unix seconds, ascending."""

    second: Ints
    price: Ints
    ts: Ints
    marked: Mask


@dataclass(frozen=True, slots=True)
class Positions:
    """Rows (r,), sorted by strategy 0 … n − 1, each with at least one row.

    `units` signed, `cash` points, valid for seconds in [since, until). A row of units 0 needs no price.
    """

    strategy: Ints
    slot: Ints
    units: Ints
    cash: Ints
    since: Ints
    until: Ints

    def __post_init__(self) -> None:
        steps = np.diff(self.strategy, prepend=-1)
        if ((steps < 0) | (steps > 1)).any():
            raise ValueError("rows must be sorted by strategy, and each strategy needs one")

    @property
    def starts(self) -> Ints:
        """Return the place of each strategy's first row (n,)."""
        return np.flatnonzero(np.diff(self.strategy, prepend=-1))


@dataclass(frozen=True, slots=True)
class Values:
    """Values (n, seconds) in points where `known`; `event`: something of the strategy was priced or traded in that very
    second; `partial`: an open leg's price is older than what counts as fresh (frozen legs say so themselves)."""

    second: Ints
    value: Ints
    known: Mask
    event: Mask
    partial: Mask


def positions_of(strategies: Sequence[Sequence[Leg]], slots: Mapping[int, int]) -> Positions:
    """Return the rows of strategies with all their past. `slots` by contract key.

    Raises KeyError for a contract without a slot, ValueError for a strategy without legs, OverflowError beyond int64.
    """
    rows = [
        (place, *row)
        for place, legs in enumerate(strategies)
        for leg in legs
        for row in leg_rows(leg, slot=slots[leg.contract.key])
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    if len(np.unique(columns[0])) != len(strategies):
        raise ValueError("a strategy without legs has no value")
    return Positions(*columns)


def realised_exactly(legs: Iterable[Leg]) -> Fraction:
    """Return what the closed part of legs gained, rupees, exact."""
    return sum((leg.side.sign * leg.lot_size * leg.states()[-1].gained for leg in legs), Fraction(0))


def price_table(marks: Marks, *, slots: int, second: Ints) -> PriceTable:
    """Return the newest price of each slot at the end of each second (ascending Unix seconds): a function of the set.

    Marks before the first second count; those after the last do not matter.
    """
    made = marks.ts // 1000
    order = np.lexsort((marks.price, marks.ts, marks.slot))
    width = int(max(second.max(initial=0), made.max(initial=0))) + 1
    keys = marks.slot[order] * width + made[order]
    wanted = np.arange(slots)[:, np.newaxis] * width + second
    place = np.searchsorted(keys, wanted, side="right") - 1
    slot, ts, price = (np.append(column[order], -1) for column in (marks.slot, marks.ts, marks.price))
    found = slot[place] == np.arange(slots)[:, np.newaxis]
    stamps = np.where(found, ts[place], 0)
    return PriceTable(second, np.where(found, price[place], -1), stamps, found & (stamps // 1000 == second))


def values(positions: Positions, table: PriceTable, *, fresh_ms: int) -> Values:
    """Return the value of every strategy at the end of every second of a price table.

    Not known before the first entry and where an open leg has no price yet. Raises MoneyOverflow where exact sums are
    not certain.
    """
    _guard(positions, table)
    starts, second, since = positions.starts, table.second, positions.since[:, np.newaxis]
    active = (since <= second) & (second < positions.until[:, np.newaxis])
    told = _told(table, fresh_ms)[positions.slot]
    told *= active & (positions.units != 0)[:, np.newaxis]
    told |= np.where(active, _ACTIVE, 0).astype(np.uint8) | np.where(active & (since == second), _MOVED, 0).astype(
        np.uint8
    )
    joined = np.bitwise_or.reduceat(told, starts, axis=0)
    known = (joined & (_ACTIVE | _MISSING)) == _ACTIVE
    total = np.add.reduceat(_amounts(positions, table, active), starts, axis=0)
    return Values(second, np.where(known, total, 0), known, (joined & _MOVED) > 0, (joined & _OLD) > 0)


def _told(table: PriceTable, fresh_ms: int) -> npt.NDArray[np.uint8]:
    """What is to be said of each slot in each second; of a slot of which no price is known, UNPRICED, at the end."""
    missing, old = table.price < 0, table.second * 1000 - table.ts > fresh_ms
    told = np.where(missing, _MISSING, 0) | np.where(table.marked, _MOVED, 0) | np.where(old, _OLD, 0)
    return np.append(told, np.full((1, told.shape[1]), _MISSING | _OLD), axis=0).astype(np.uint8)


def _amounts(positions: Positions, table: PriceTable, active: Mask) -> Ints:
    """Units × price + cash of each row in each second, 0 where it is not active; in place, these are the large ones."""
    price = np.append(np.maximum(table.price, 0), np.zeros((1, len(table.second)), np.int64), axis=0)
    amount: Ints = price[positions.slot]
    amount *= positions.units[:, np.newaxis]
    amount += positions.cash[:, np.newaxis]
    if not active.all():
        amount *= active
    return amount


def leg_rows(leg: Leg, *, slot: int) -> list[tuple[int, int, int, int, int]]:
    """Return slot, units, cash, since and until of each state of a leg; of states within one second the last.

    The slot is UNPRICED instead where the leg is frozen and no price of it is known.
    """
    states = leg.states()
    ends = [*(_second(state) for state in states[1:]), FOREVER]
    spans = [(state, _second(state), end) for state, end in zip(states, ends, strict=True)]
    return [(*_holding(leg, state, slot), since, until) for state, since, until in spans if since < until]


def _second(state: State) -> int:
    return to_ms(state.since) // 1000


def _holding(leg: Leg, state: State, slot: int) -> tuple[int, int, int]:
    """Slot, signed units and cash of a state; a fixed price turns the units into cash."""
    sign_and_size = leg.side.sign * leg.lot_size
    cash = (state.gained - state.cost) * sign_and_size
    units = state.lots * sign_and_size
    if state.pinned and state.lots:
        if state.fixed is None:
            return UNPRICED, units, _whole_points(cash)
        return slot, 0, _whole_points(cash + units * state.fixed)
    return slot, units, _whole_points(cash)


def _whole_points(rupees: Fraction) -> int:
    """Averages cancel: what trades left behind is a sum of prices times units."""
    points = rupees * POINTS
    if points.denominator != 1:
        raise ArithmeticError(f"{rupees} rupees are no whole number of points")
    return points.numerator


def _guard(positions: Positions, table: PriceTable) -> None:
    """Bound the sums in floating point, where nothing wraps."""
    highest = float(table.price.max(initial=0))
    size = np.abs(positions.units.astype(np.float64)) * highest + np.abs(positions.cash.astype(np.float64))
    if len(size) and np.add.reduceat(size, positions.starts).max() > SAFE_POINTS:
        raise MoneyOverflow("the amounts of a strategy are too large to be summed exactly")


def marks_of(prices: Iterable[tuple[int, int, Decimal]]) -> Marks:
    """Return marks of (slot, milliseconds, rupees)."""
    rows = np.array([(slot, ts, points_of(price)) for slot, ts, price in prices], dtype=np.int64).reshape(-1, 3)
    return Marks(*rows.T)
