"""A leg of a strategy: what was bought or sold, what of it is still open, and what may happen to it next.

Legs are values: `add`, `exit`, `settle` and `freeze` return a new one or raise. Quantities are whole lots; units = lots
× the lot size frozen at entry. The cost of what is open is the average of its entries: an exit takes lots at that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from fo_analytics.domain.calendar import IST, ist_date
from strategies.domain.money import checked_decimals, checked_price


class Kind(StrEnum):
    """What is traded, as the exchange writes it."""

    CALL = "CE"
    PUT = "PE"
    FUTURE = "FUT"
    EQUITY = "EQ"

    @property
    def is_option(self) -> bool:
        """Return whether it is a call or a put."""
        return self in (Kind.CALL, Kind.PUT)


class Side(StrEnum):
    """Which way a leg was opened."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """Return 1 for bought, -1 for sold."""
        return 1 if self is Side.BUY else -1


class LegError(ValueError):
    """What was asked cannot happen to this leg."""


class TooManyLots(LegError):
    """More lots than are open."""


class WrongTime(LegError):
    """Before the entry or after the contract's last day."""


class LegClosed(LegError):
    """Nothing of the leg is open any more."""


class LegFrozen(LegError):
    """A corporate action changed the contract: the leg waits for a person."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a leg is in. `key` is the master's; `strike` and `tick` rupees; `expiry` an exchange date.

    Raises LegError where strike and expiry do not fit the kind.
    """

    key: int
    kind: Kind
    underlying: str
    is_index: bool = True
    expiry: date | None = None
    strike: Decimal | None = None
    tick: Decimal = Decimal("0.05")

    def __post_init__(self) -> None:
        if (self.strike is not None) != self.kind.is_option:
            raise LegError("an option needs a strike, and nothing else has one")
        if (self.expiry is not None) == (self.kind is Kind.EQUITY):
            raise LegError("a derivative needs an expiry, and a share has none")
        if self.kind is Kind.EQUITY and self.is_index:
            raise LegError("an index cannot be held, only its futures and options")
        checked_price(self.tick, "the tick")
        if self.strike is not None:
            checked_price(self.strike, "the strike")

    def is_on_tick(self, price: Decimal) -> bool:
        """Return whether a price (rupees) is a multiple of the tick; averages of several trades need not be."""
        return (Fraction(price) / Fraction(self.tick)).denominator == 1


@dataclass(frozen=True, slots=True)
class Fill:
    """Lots traded at a price (rupees > 0, at most 4 decimals) at an aware instant. Raises LegError for all else."""

    lots: int
    price: Decimal
    at: datetime

    def __post_init__(self) -> None:
        _check_count(self.lots, "lots")
        _check_instant(self.at)
        try:
            checked_price(self.price, "the price")
        except ValueError as error:
            raise LegError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Settlement:
    """At what an expired contract was settled: rupees a unit (an option: intrinsic value, which may be 0).

    `source` says whose price it is; `provisional` until it is the official close. `physical_delivery`: shares change
    hands, so the amount stands for what the delivery is worth.
    """

    price: Decimal
    at: datetime
    source: str
    provisional: bool
    physical_delivery: bool = False

    def __post_init__(self) -> None:
        _check_instant(self.at)
        if not (self.price.is_finite() and self.price >= 0):
            raise LegError(f"a settlement price must not be below 0, not {self.price}")
        checked_decimals(self.price, "a settlement price")


@dataclass(frozen=True, slots=True)
class Freeze:
    """Since when, why, and at what price (rupees; None: none was known) a leg stands still."""

    at: datetime
    reason: str
    price: Decimal | None

    def __post_init__(self) -> None:
        _check_instant(self.at)
        if self.price is not None:
            checked_price(self.price, "the price")


class State(NamedTuple):
    """A leg from `since` on, in rupees a unit times lots; unsigned as if bought.

    `cost` of the open lots; `gained` by closed ones; `fixed` the price a frozen or provisionally settled leg is valued
    at. `pinned` where the market no longer prices it (`fixed` None then: nothing does).
    """

    since: datetime
    lots: int
    cost: Fraction
    gained: Fraction
    fixed: Fraction | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A leg and all that happened to it. `lot_size` units, frozen at entry.

    Raises TooManyLots, WrongTime, LegClosed or LegError where its history is impossible.
    """

    contract: Contract
    side: Side
    lot_size: int
    entry: Fill
    additions: tuple[Fill, ...] = ()
    exits: tuple[Fill, ...] = ()
    settlement: Settlement | None = None
    frozen: Freeze | None = None

    def __post_init__(self) -> None:
        _check_count(self.lot_size, "the lot size")
        for fill in (self.entry, *self.additions, *self.exits):
            self._check_day(fill.at)
        self.states()

    @property
    def open_lots(self) -> int:
        """Return the lots that are neither exited nor finally settled."""
        return self.states()[-1].lots

    @property
    def open_units(self) -> int:
        """Return the open quantity in units, unsigned."""
        return self.open_lots * self.lot_size

    @property
    def signed_units(self) -> int:
        """Return the open quantity in units, negative where sold."""
        return self.side.sign * self.open_units

    @property
    def average_price(self) -> Fraction | None:
        """Return the average entry price of what is open, rupees, exact; None where nothing is."""
        state = self.states()[-1]
        return state.cost / state.lots if state.lots else None

    def add(self, fill: Fill) -> Leg:
        """Return the leg with more lots. Raises LegFrozen, LegClosed or WrongTime; a closed leg is not opened again."""
        self._check_movable()
        return replace(self, additions=(*self.additions, fill))

    def exit(self, fill: Fill) -> Leg:
        """Return the leg with lots closed. Raises LegFrozen, LegClosed, TooManyLots or WrongTime."""
        self._check_movable()
        return replace(self, exits=(*self.exits, fill))

    def settle(self, settlement: Settlement) -> Leg:
        """Return the leg settled. A provisional settlement gives way to any other, a final one only to itself.

        Raises LegFrozen, LegClosed, WrongTime, or LegError where it was finally settled otherwise.
        """
        if self.settlement == settlement:
            return self
        if self.settlement is not None and not self.settlement.provisional:
            raise LegError(f"settled at {self.settlement.price} ({self.settlement.source}) already")
        self._check_movable(but_for_settlement=True)
        return replace(self, settlement=settlement)

    def freeze(self, freeze: Freeze) -> Leg:
        """Return the leg standing still: nothing happens to it until `unfreeze`. Raises LegFrozen or LegClosed."""
        self._check_movable()
        return replace(self, frozen=freeze)

    def unfreeze(self) -> Leg:
        """Return the leg moving again."""
        return replace(self, frozen=None)

    def as_of(self, instant: datetime) -> Leg | None:
        """Return the leg as it was at an aware instant, what happened then included; None before its entry."""
        if instant < self.entry.at:
            return None
        return replace(
            self,
            additions=tuple(fill for fill in self.additions if fill.at <= instant),
            exits=tuple(fill for fill in self.exits if fill.at <= instant),
            settlement=self.settlement if self.settlement and self.settlement.at <= instant else None,
            frozen=self.frozen if self.frozen and self.frozen.at <= instant else None,
        )

    def states(self) -> tuple[State, ...]:
        """Return what the leg was after each thing that happened to it, in order of time; entries before exits."""
        fills = [(fill.at, 1, fill) for fill in (self.entry, *self.additions)]
        fills += [(fill.at, -1, fill) for fill in self.exits]
        if (first := min(at for at, _, _ in fills)) < self.entry.at:
            raise WrongTime(f"{_told(first)} is before the entry at {_told(self.entry.at)}")
        states: list[State] = []
        for at, direction, fill in sorted(fills, key=lambda item: (item[0], -item[1])):
            before = states[-1] if states else State(at, 0, Fraction(0), Fraction(0))
            if states and not before.lots and direction > 0:
                raise LegClosed("the leg was closed before this addition: it needs a leg of its own")
            states.append(_entered(before, fill) if direction > 0 else _exited(before, fill))
        return self._ended(states)

    def _ended(self, states: list[State]) -> tuple[State, ...]:
        """Return the states with the settlement and the freeze after them."""
        for end in (self.settlement, self.frozen):
            if end is None:
                continue
            if end.at < states[-1].since:
                raise WrongTime(f"the leg was traded after {_told(end.at)}")
            states.append(_settled(states[-1], end) if isinstance(end, Settlement) else _frozen(states[-1], end))
        return tuple(states)

    def _check_movable(self, *, but_for_settlement: bool = False) -> None:
        if self.frozen is not None:
            raise LegFrozen(f"frozen: {self.frozen.reason}")
        if self.settlement is not None and not but_for_settlement:
            raise LegClosed("the contract is settled")
        if not self.open_lots:
            raise LegClosed("nothing of the leg is open")

    def _check_day(self, at: datetime) -> None:
        expiry = self.contract.expiry
        if expiry is not None and ist_date(at) > expiry:
            raise WrongTime(f"{_told(at)} is after the contract's last day, {expiry}")


def _told(at: datetime) -> str:
    return f"{at.astimezone(IST):%Y-%m-%d %H:%M:%S} IST"


def _entered(state: State, fill: Fill) -> State:
    return State(fill.at, state.lots + fill.lots, state.cost + fill.lots * Fraction(fill.price), state.gained)


def _exited(state: State, fill: Fill) -> State:
    if fill.lots > state.lots:
        raise TooManyLots(f"{fill.lots} lots to exit, {state.lots} open at {_told(fill.at)}")
    return _closed(state, fill.at, fill.lots, Fraction(fill.price))


def _closed(state: State, at: datetime, lots: int, price: Fraction) -> State:
    average = state.cost / state.lots
    return State(at, state.lots - lots, state.cost - average * lots, state.gained + (price - average) * lots)


def _settled(state: State, settlement: Settlement) -> State:
    price = Fraction(settlement.price)
    if settlement.provisional:
        return state._replace(since=settlement.at, fixed=price, pinned=True)
    return _closed(state, settlement.at, state.lots, price) if state.lots else state


def _frozen(state: State, freeze: Freeze) -> State:
    fixed = None if freeze.price is None else Fraction(freeze.price)
    return state._replace(since=freeze.at, fixed=fixed, pinned=True)


def _check_count(count: int, what: str) -> None:
    if type(count) is not int or count <= 0:
        raise LegError(f"{what} must be a whole number above 0, not {count!r}")


def _check_instant(at: datetime) -> None:
    if at.utcoffset() is None:
        raise LegError(f"an aware instant is needed, not {at!r}")
