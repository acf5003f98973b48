"""Put-call ratio and max pain of one expiry, over all its listed strikes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_PAISE = 100


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
