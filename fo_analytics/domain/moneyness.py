"""At the money, and steps away from it on the ladder of listed strikes. Nothing is clamped or averaged."""

from __future__ import annotations

import math
import re
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Side = Literal["call", "put"]

_LABEL = re.compile(r"ATM|(?P<side>OTM|ITM)(?P<rungs>[1-9][0-9]{0,3})")


def atm_strike(strikes: npt.ArrayLike, forward: float) -> float:
    """The listed strike nearest the forward, of two equally near the lower; rupees.

    `strikes` (n,) in any order. NaN without strikes or without a forward (NaN).
    """
    ladder = _ladder(strikes)
    if not ladder.size or math.isnan(forward):
        return float("nan")
    return float(ladder[_atm_index(ladder, forward)])


def levels(strikes: npt.ArrayLike, forward: float) -> Integers:
    """Steps of each strike from the at-the-money one on the listed ladder: (n,) in, (n,) out, same order.

    0 is at the money, positive above. `strikes` are all that are listed, in any order; a strike given twice
    (call and put) is one rung. Raises ValueError where there are strikes but no forward (NaN).
    """
    ladder = _ladder(strikes)
    if not ladder.size:
        return np.empty(0, dtype=np.int64)
    return np.searchsorted(ladder, np.asarray(strikes, dtype=np.float64)) - _atm_index(ladder, forward)


def label(side: Side, step: int) -> str:
    """Moneyness of a contract `step` rungs above the at-the-money strike: ATM, OTM1, ITM1, ...

    Calls above the money are out of it, puts above are in it.
    """
    if step == 0:
        return "ATM"
    out = (step > 0) == (side == "call")
    return f"{'OTM' if out else 'ITM'}{abs(step)}"


def level(label: str) -> int:
    """Rungs out of the money that a label names: ATM 0, OTM3 3, ITM2 -2. Raises ValueError for anything else."""
    match = _LABEL.fullmatch(label)
    if match is None:
        raise ValueError(f"{label!r} is no moneyness: ATM, OTM1, OTM2, ..., ITM1, ITM2, ...")
    rungs = int(match["rungs"] or 0)
    return -rungs if match["side"] == "ITM" else rungs


def strike_at(ladder: npt.ArrayLike, atm_strike: npt.ArrayLike, level: npt.ArrayLike, is_call: npt.ArrayLike) -> Floats:
    """The strike `level` rungs out of the money (negative: in the money), as seen from each at-the-money strike.

    `ladder` (k,) are the listed strikes in any order; `atm_strike`, `level` (whole numbers) and `is_call` broadcast,
    so a row of at-the-money strikes in time gives a row of strikes. Calls go up the ladder, puts down. Rupees; NaN
    beyond the ladder's ends and where the at-the-money strike is NaN or not listed.
    """
    rungs, atm = _ladder(ladder), np.asarray(atm_strike, dtype=np.float64)
    steps = np.asarray(level, dtype=np.int64) * np.where(np.asarray(is_call, dtype=bool), 1, -1)
    at = np.searchsorted(rungs, atm)
    on_ladder = np.append(rungs, np.nan)[at] == atm
    place = at + steps
    inside = on_ladder & (place >= 0) & (place < rungs.size)
    return np.append(rungs, np.nan)[np.where(inside, place, rungs.size)]


def select_levels(strikes: npt.ArrayLike, forward: float, levels: int) -> slice:
    """The part of an *ascending* ladder within `levels` (>= 0) rungs of the money on each side.

    Shorter where the ladder ends, so `strikes[select_levels(...)]` has at most 2 · levels + 1 strikes.
    Raises ValueError for negative levels, for a ladder that does not ascend, or without a forward (NaN).
    """
    ladder = np.asarray(strikes, dtype=np.float64)
    if levels < 0:
        raise ValueError(f"levels must not be negative, not {levels}")
    if (np.diff(ladder) <= 0).any():
        raise ValueError("the ladder of strikes must ascend")
    if not ladder.size:
        return slice(0, 0)
    at = _atm_index(ladder, forward)
    return slice(max(at - levels, 0), min(at + levels + 1, ladder.size))


def _ladder(strikes: npt.ArrayLike) -> Floats:
    return np.unique(np.asarray(strikes, dtype=np.float64))


def _atm_index(ladder: Floats, forward: float) -> int:
    if math.isnan(forward):
        raise ValueError("without a forward no strike is at the money")
    return int(np.argmin(np.abs(ladder - forward)))  # the first of equals is the lower
