"""Screening of ticks: what cannot be true is dropped and counted, what was not said becomes absent (NaN)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MAX_PRICE = 1e7
MAX_UNITS = 1e13
FUTURE_TOLERANCE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Ticks:
    """Columns of n ticks. `slot` is the instrument's place in its book; `ts` milliseconds UTC; prices rupees; volume
    (of the day) and oi units; NaN is absent, a bid or ask of 0 is a side nobody quotes."""

    slot: Ints
    ts: Ints
    last: Floats
    volume: Floats
    oi: Floats
    bid: Floats
    bid_qty: Floats
    ask: Floats
    ask_qty: Floats

    def take(self, index: Ints | Mask) -> "Ticks":
        """Return the ticks at `index` (positions or mask)."""
        return Ticks(*(getattr(self, name)[index] for name in self.__slots__))

    def __len__(self) -> int:
        return len(self.ts)


def absent_where_zero(ticks: Ticks) -> Ticks:
    """Return the ticks with a last price of 0 as absent: no market trades at 0."""
    columns = {name: getattr(ticks, name) for name in Ticks.__slots__}
    columns["last"] = np.where(ticks.last == 0, np.nan, ticks.last)
    return Ticks(**columns)


def reject(ticks: Ticks, *, not_a_number: Mask, known: Mask, now_ms: int) -> dict[str, Mask]:
    """Return masks (n,) of ticks to drop, by kind; a tick stands under the first kind that applies.

    `not_a_number` marks ticks in which a number arrived as NaN (an absent one is nil on the wire), `known` those whose
    token is in the master, `now_ms` is the wall clock.
    """
    prices = np.stack([ticks.last, ticks.bid, ticks.ask])
    amounts = np.stack([ticks.volume, ticks.oi, ticks.bid_qty, ticks.ask_qty])
    said = ((prices > 0) | np.isinf(prices)).any(axis=0) | (amounts > 0).any(axis=0)
    kinds: dict[str, Any] = {
        "unknown_token": ~known,
        "nan_price": not_a_number | np.isinf(prices).any(axis=0),
        "negative_price": (prices < 0).any(axis=0),
        "absurd_price": (prices > MAX_PRICE).any(axis=0),
        "negative_amount": (amounts < 0).any(axis=0),
        "absurd_amount": (amounts > MAX_UNITS).any(axis=0),
        "future_stamp": ticks.ts > now_ms + FUTURE_TOLERANCE_MS,
        "empty": ~said,
    }
    return _first_kind_only(kinds)


def _first_kind_only(kinds: dict[str, Mask]) -> dict[str, Mask]:
    taken = np.zeros_like(next(iter(kinds.values())))
    only: dict[str, Mask] = {}
    for kind, mask in kinds.items():
        only[kind] = mask & ~taken
        taken |= mask
    return only
