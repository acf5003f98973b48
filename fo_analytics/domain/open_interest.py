"""What open interest says: put-call ratio and max pain of one expiry, its change, and who probably changed it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Classes = npt.NDArray[np.uint8]

_PAISE = 100


class BuildUp(IntEnum):
    """What a change of price and open interest together stand for; a uint8 in arrays."""

    NONE = 0  # one of them within its threshold, or not known
    LONG_BUILD_UP = 1  # price up, open interest up
    SHORT_BUILD_UP = 2  # price down, open interest up
    SHORT_COVERING = 3  # price up, open interest down
    LONG_UNWINDING = 4  # price down, open interest down


def put_call_ratio(call: npt.ArrayLike, put: npt.ArrayLike) -> float:
    """Puts over calls: Σ put / Σ call, of open interest or of volume, in units or lots alike.

    `call` and `put` hold one value per contract over *all* strikes, NaN where it is unknown. NaN without
    any call (zero or unknown) or where no put is known; 0.0 where the known puts are zero.
    """
    puts = np.asarray(put, dtype=np.float64)
    if puts.size and np.isnan(puts).all():
        return float("nan")
    calls = float(np.nansum(np.asarray(call, dtype=np.float64)))
    return float(np.nansum(puts)) / calls if calls > 0 else float("nan")


def max_pain(strike: npt.ArrayLike, call_oi: npt.ArrayLike, put_oi: npt.ArrayLike, *, forward: float) -> float:
    """The listed strike K at which options would pay least: min Σ call·max(0, K − Kᵢ) + Σ put·max(0, Kᵢ − K).

    `strike` (n,) in rupees, different, in any order; `call_oi` and `put_oi` (n,) in units, NaN for unknown.
    Ties go to the strike nearest `forward` (rupees; NaN for none), then to the lower. NaN without open
    interest. Exact: sums are integers of paise and units, so that ties are ties.
    """
    strikes = np.asarray(strike, dtype=np.float64)
    order = np.argsort(strikes)
    calls, puts = _units(call_oi)[order], _units(put_oi)[order]
    if not (calls.any() or puts.any()):
        return float("nan")
    pain = _payout(_in_paise(strikes[order]), calls, puts)
    cheapest = strikes[order][pain == pain.min()]
    return float(cheapest[0] if np.isnan(forward) else cheapest[np.argmin(np.abs(cheapest - forward))])


def oi_change(oi: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """How much open interest has grown since `reference`: arrays of one shape, in units; NaN where either is unknown.

    What the reference is (the previous session's last, or the newest at least so many minutes old) is the caller's
    to choose and to say. A reference that is not known is no reference of 0.
    """
    return np.asarray(oi, dtype=np.float64) - np.asarray(reference, dtype=np.float64)


def percent_change(value: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """100 · (value − reference) / reference, arrays of one shape; of open interest or of prices.

    NaN where either is unknown and where the reference is not positive.
    """
    base = np.asarray(reference, dtype=np.float64)
    base = np.where(base > 0, base, np.nan)
    return np.asarray(100.0 * (np.asarray(value, dtype=np.float64) - base) / base)


def build_up(
    price_change: npt.ArrayLike,
    oi_change: npt.ArrayLike,
    *,
    price_threshold: float = 0.0,
    oi_threshold: float = 0.0,
) -> Classes:
    """The `BuildUp` (uint8) of each pair of changes; arrays of one shape.

    A change counts as a rise or a fall only *beyond* its threshold (same unit as the change: rupees, units or per
    cent), so that no change is never one. NONE where either does not count or is NaN. Raises ValueError where a
    threshold is negative or NaN.
    """
    if not (price_threshold >= 0 and oi_threshold >= 0):
        raise ValueError("thresholds must not be negative")
    price = _direction(price_change, price_threshold)
    oi = _direction(oi_change, oi_threshold)
    rising = np.where(price > 0, BuildUp.LONG_BUILD_UP, BuildUp.SHORT_BUILD_UP)
    falling = np.where(price > 0, BuildUp.SHORT_COVERING, BuildUp.LONG_UNWINDING)
    counts = (price != 0) & (oi != 0)
    return np.where(counts, np.where(oi > 0, rising, falling), BuildUp.NONE).astype(np.uint8)


def gainers(change: npt.ArrayLike, strike: npt.ArrayLike, is_call: npt.ArrayLike, *, limit: int) -> Integers:
    """Positions (at most `limit`) of the contracts that gained most, the largest change first.

    `change` (n,), absolute or in per cent, is ranked as given; NaN and what did not gain (≤ 0) are left out. Of equal
    changes the lower `strike` (n,) comes first, of one strike the call (`is_call` (n,)), then the earlier position.
    Raises ValueError where `limit` is negative.
    """
    return _ranked(-np.asarray(change, dtype=np.float64), strike, is_call, limit)


def losers(change: npt.ArrayLike, strike: npt.ArrayLike, is_call: npt.ArrayLike, *, limit: int) -> Integers:
    """Positions (at most `limit`) of the contracts that lost most, the most negative change first; as `gainers`."""
    return _ranked(np.asarray(change, dtype=np.float64), strike, is_call, limit)


def _ranked(key: Floats, strike: npt.ArrayLike, is_call: npt.ArrayLike, limit: int) -> Integers:
    """Positions of the negative keys, least first."""
    if limit < 0:
        raise ValueError(f"limit must not be negative, not {limit}")
    chosen = np.flatnonzero(key < 0)
    strikes, puts = np.asarray(strike, dtype=np.float64)[chosen], ~np.asarray(is_call, dtype=bool)[chosen]
    return chosen[np.lexsort((puts, strikes, key[chosen]))[:limit]]


def _direction(change: npt.ArrayLike, threshold: float) -> Integers:
    """1 for a rise beyond the threshold, -1 for a fall beyond it, else 0."""
    values = np.asarray(change, dtype=np.float64)
    return (values > threshold).astype(np.int64) - (values < -threshold)


def _payout(strikes: Integers, calls: Integers, puts: Integers) -> Integers:
    """What all options pay (paise) if the underlying settles at each of the ascending strikes, in O(n)."""
    steps = np.diff(strikes)
    pain = np.zeros(strikes.shape, dtype=np.int64)
    # One strike up, every call struck below pays one step more; one strike down, every put struck above.
    pain[1:] += np.cumsum(steps * np.cumsum(calls)[:-1])
    pain[:-1] += np.cumsum((steps * (puts.sum() - np.cumsum(puts)[:-1]))[::-1])[::-1]
    return pain


def _in_paise(rupees: Floats) -> Integers:
    return np.rint(rupees * _PAISE).astype(np.int64)


def _units(oi: npt.ArrayLike) -> Integers:
    return np.rint(np.nan_to_num(np.asarray(oi, dtype=np.float64))).astype(np.int64)
