"""The forward of one underlying and expiry: from put-call parity, else the future, else the spot."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Source = Literal["parity", "future", "spot", "none"]

STRIKES = 7
FEWEST_PAIRS = 3
LARGEST_CONTRADICTION = 0.02


class Forward(NamedTuple):
    """Forward in rupees (NaN with source "none"), where it comes from, how many call-put pairs were used."""

    value: float
    source: Source
    pairs: int


NO_FORWARD = Forward(float("nan"), "none", 0)


def implied_forward(
    strike: Floats,
    call: Floats,
    put: Floats,
    years: float,
    *,
    rate: float,
    is_fresh: Booleans | None = None,
    is_mid: Booleans | None = None,
) -> Forward:
    """Median of K + e^(rT) (C - P) over the 7 strikes nearest the one with the smallest |C - P|.

    strike, call, put: rupees, (n,), one row per listed strike in any order; NaN where there is no mark.
    years: to expiry, 365 days each. rate: continuously compounded per year. is_fresh, is_mid: (n,), whether both
    marks of a pair are of now, and mids of two quotes; where at least 3 pairs are fresh the others are left out,
    then, of those, where at least 3 are mids. Ties go to the lower strike. Fewer than 3 pairs, or years or rate not
    finite: NaN, "none". ValueError where shapes do not match."""
    if any(np.shape(side) != np.shape(strike) or np.ndim(side) != 1 for side in (strike, call, put)):
        raise ValueError("strike, call and put must be one-dimensional and of one length")
    usable = np.isfinite(strike) & (call > 0) & (put > 0) & np.isfinite(call) & np.isfinite(put)
    for better in (is_fresh, is_mid):
        if better is not None and (usable & better).sum() >= FEWEST_PAIRS:
            usable &= better
    chosen = np.flatnonzero(usable)
    growth = np.exp(rate * years)
    if len(chosen) < FEWEST_PAIRS or not np.isfinite(growth):
        return NO_FORWARD
    by_strike = chosen[np.argsort(strike[chosen], kind="stable")]
    strikes, difference = strike[by_strike], (call - put)[by_strike]
    centre = strikes[np.argmin(np.abs(difference))]
    nearest = np.argsort(np.abs(strikes - centre), kind="stable")[:STRIKES]
    value = float(np.median(strikes[nearest] + growth * difference[nearest]))
    return Forward(value, "parity", len(nearest)) if value > 0 else NO_FORWARD


def forward_or_fallback(
    strike: Floats,
    call: Floats,
    put: Floats,
    years: float,
    *,
    rate: float,
    is_fresh: Booleans | None = None,
    is_mid: Booleans | None = None,
    future: float = float("nan"),
    spot: float = float("nan"),
) -> Forward:
    """The first there is of: `implied_forward`, the future of that expiry, the spot grown at `rate`.

    future, spot: rupees; NaN, 0 or less is none. Ages are the caller's: a stale spot is passed as NaN.
    The other arguments, and what raises, as in `implied_forward`."""
    parity = implied_forward(strike, call, put, years, rate=rate, is_fresh=is_fresh, is_mid=is_mid)
    if parity.source == "parity":
        return parity
    if 0 < future < np.inf:
        return Forward(float(future), "future", 0)
    carried = float(spot * np.exp(rate * years))
    return Forward(carried, "spot", 0) if 0 < carried < np.inf else NO_FORWARD


def spot_contradicts_parity(forward: float, spot: float, years: float, rate: float) -> bool:
    """Whether |F / (S e^(rT)) - 1| exceeds 2 %: such a spot must not be used for anything.

    forward: rupees, the parity forward of the nearest expiry that has one. False where either is NaN or not
    positive: nothing to compare."""
    carried = spot * float(np.exp(rate * years))
    if not (0 < forward < np.inf and 0 < carried < np.inf):
        return False
    return abs(forward / carried - 1.0) > LARGEST_CONTRADICTION
