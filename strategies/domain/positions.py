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
    starts, second = positions.starts, table.second
    active = (positions.since[:, np.newaxis] <= second) & (second < positions.until[:, np.newaxis])
    needs = active & (positions.units != 0)[:, np.newaxis]
    price, stamps, marked = (_row_prices(column, positions.slot, none) for column, none in _columns(table))
    missing = needs & (price < 0)
    amount = np.where(needs, positions.units[:, np.newaxis] * price, 0) + positions.cash[:, np.newaxis]
    total = np.add.reduceat(np.where(active, amount, 0), starts, axis=0)
    known = _any(active, starts) & ~_any(missing, starts)
    moved = (needs & (marked != 0)) | (active & (positions.since[:, np.newaxis] == second))
    old = needs & (second * 1000 - stamps > fresh_ms)
    return Values(second, np.where(known, total, 0), known, _any(moved, starts), _any(old, starts))


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


def _columns(table: PriceTable) -> tuple[tuple[Ints, int], ...]:
    return (table.price, -1), (table.ts, 0), (table.marked.astype(np.int64), 0)


def _row_prices(column: Ints, slot: Ints, none: int) -> Ints:
    """A column (slots, seconds) of the table by row (r, seconds)."""
    padded = np.concatenate([column, np.full((1, column.shape[1]), none, np.int64)])
    return padded[slot]  # UNPRICED, -1, is the row that was put at the end


def _any(mask: Mask, starts: Ints) -> Mask:
    return np.asarray(np.logical_or.reduceat(mask, starts, axis=0))


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
