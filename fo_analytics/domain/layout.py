"""Where each contract of an underlying sits: slots of a book, arranged as chains."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from fo_analytics.domain.bars import Minute
from fo_analytics.domain.chain import Quotes
from fo_analytics.domain.ticks import Floats, Ints, Mask

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Contract:
    """An instrument as the master has it; `strike` and `tick_size` in rupees. `kind` is SPOT, FUT, CE or PE.

    It is listed from `valid_from` to `valid_to`, both included; None: without a bound. `former_ticks` are tick sizes it
    had before, each with the last day of it, ascending.
    """

    instrument_id: int
    token: int
    kind: str
    tick_size: float
    expiry: date | None = None
    strike: float = float("nan")
    valid_from: date | None = None
    valid_to: date | None = None
    former_ticks: tuple[tuple[date, float], ...] = ()

    def is_listed(self, day: date) -> bool:
        """Return whether it was listed on a day."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)

    def tick_on(self, day: date) -> float:
        """Return the tick size of a day, rupees."""
        return next((tick for last, tick in self.former_ticks if day <= last), self.tick_size)


@dataclass(frozen=True, slots=True)
class ChainLayout:
    """One expiry: its strikes (k,) ascending and the slots (2, k) of calls and puts, NOWHERE where not listed."""

    expiry: date
    expires_at_ms: int
    strike: Floats
    slots: Ints
    tick_size: Floats
    future_slot: int

    @property
    def listed(self) -> Mask:
        """Return which contracts exist (2, k)."""
        return np.asarray(self.slots != NOWHERE)

    def quotes(self, state: Minute, spot_slot: int) -> Quotes:
        """Return what `state` (n,) shows of this expiry."""
        return Quotes(
            strike=self.strike,
            listed=self.listed,
            tick_size=self.tick_size,
            last=self._floats(state, "close"),
            last_ts=self._stamps(state, "last_ts"),
            bid=self._floats(state, "bid"),
            bid_qty=self._floats(state, "bid_qty"),
            ask=self._floats(state, "ask"),
            ask_qty=self._floats(state, "ask_qty"),
            quote_ts=self._stamps(state, "quote_ts"),
            volume=self._floats(state, "cumulative"),
            oi=self._floats(state, "oi"),
            oi_ts=self._stamps(state, "oi_ts"),
            future=float(state["close"][self.future_slot]) if self.future_slot != NOWHERE else float("nan"),
            spot=float(state["close"][spot_slot]) if spot_slot != NOWHERE else float("nan"),
            spot_ts=int(state["last_ts"][spot_slot]) if spot_slot != NOWHERE else 0,
        )

    def _floats(self, state: Minute, name: str) -> Floats:
        return np.where(self.listed, state[name][self.slots], np.nan)

    def _stamps(self, state: Minute, name: str) -> Ints:
        return np.where(self.listed, state[name][self.slots], 0)


@dataclass(frozen=True, slots=True)
class Layout:
    """All contracts of one underlying; slot i is `instrument_ids[i]`."""

    instrument_ids: Ints
    tokens: Ints
    spot_slot: int
    chains: tuple[ChainLayout, ...]

    def __len__(self) -> int:
        return len(self.instrument_ids)


def arrange(
    contracts: Iterable[Contract], expires_at_ms: Mapping[date, int], day: date, *, named: Collection[date] = ()
) -> Layout:
    """Return the layout of an underlying's contracts in the given order, which later listings only extend.

    Every contract has a slot; chains are made of those listed on `day` (where they expired before: on their last), with
    the tick sizes of then. `expires_at_ms` gives every expiry's instant; those `named` have a chain, if an empty one.
    """
    placed = list(contracts)
    spot = next((slot for slot, contract in enumerate(placed) if contract.kind == "SPOT"), NOWHERE)
    members: dict[date, list[tuple[int, Contract]]] = {expiry: [] for expiry in named}
    for slot, contract in enumerate(placed):
        if contract.expiry is not None and contract.is_listed(min(day, contract.expiry)):
            members.setdefault(contract.expiry, []).append((slot, contract))
    options = {expiry for expiry, chain in members.items() if any(c.kind in ("CE", "PE") for _, c in chain)}
    return Layout(
        instrument_ids=np.array([c.instrument_id for c in placed], np.int64),
        tokens=np.array([c.token for c in placed], np.int64),
        spot_slot=spot,
        chains=tuple(
            _chain(members[expiry], expiry, expires_at_ms[expiry], day) for expiry in sorted(options.union(named))
        ),
    )


def _chain(members: Sequence[tuple[int, Contract]], expiry: date, expires_at_ms: int, day: date) -> ChainLayout:
    strike = np.array(sorted({c.strike for _, c in members if c.kind != "FUT"}), np.float64)
    slots = np.full((2, len(strike)), NOWHERE, np.int64)
    tick_size = np.full((2, len(strike)), np.nan)
    rung = {value: place for place, value in enumerate(strike.tolist())}
    future = NOWHERE
    for slot, contract in members:
        if contract.kind == "FUT":
            future = slot
            continue
        at = (0 if contract.kind == "CE" else 1), rung[contract.strike]
        slots[at], tick_size[at] = slot, contract.tick_on(day)
    return ChainLayout(expiry, expires_at_ms, strike, slots, tick_size, future)
