"""The volatility smile of one expiry: its points, 25-delta strikes, what they measure, and the expected move.

Volatilities are fractions a year (0.13 = 13 %), prices rupees, years of 365 days. NaN is not known.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.moneyness import atm_strike
from fo_analytics.domain.ticks import Floats

CALL, PUT = 0, 1
WING_DELTA = 0.25
STRADDLE_SHARE = 0.85
_ROUNDING = 1e-12  # in ln K: a root on a listed strike belongs to both segments, whatever rounding says


@dataclass(frozen=True, slots=True)
class Smile:
    """Volatility per listed strike (k,), ascending: the out-of-the-money side's own, NaN where that has none.

    `atm_iv` is the volatility at the listed strike nearest the forward: of its out-of-the-money side, else of the
    other one.
    """

    strike: Floats
    sigma: Floats
    forward: float
    years: float
    atm_strike: float
    atm_iv: float

    @property
    def log_moneyness(self) -> Floats:
        """Return ln(K/F) of each strike."""
        return np.log(self.strike / self.forward)


class SmileMeasures(NamedTuple):
    """What a smile is summed up by.

    Strikes in rupees. `risk_reversal` σ(25-delta call) − σ(25-delta put); `butterfly` their mean − `atm_iv`;
    `skew_slope` the risk reversal per unit of ln K between the two strikes. NaN where a wing does not reach."""

    atm_iv: float
    call_strike: float
    call_iv: float
    put_strike: float
    put_iv: float
    risk_reversal: float
    butterfly: float
    skew_slope: float


def strike_volatility(strike: Floats, iv: Floats, forward: float) -> Floats:
    """The volatility (k,) a strike's Greeks use: of its out-of-the-money side (F ≥ K: the put), else the other's.

    strike (k,) rupees, iv (2, k) calls and puts. NaN where neither side has one, everywhere without a forward.
    """
    otm = _out_of_the_money(strike, iv, forward)
    itm = np.where(forward >= strike, iv[CALL], iv[PUT])
    return np.where(np.isnan(otm) & ~np.isnan(forward), itm, otm)


def smile(strike: Floats, iv: Floats, *, forward: float, years: float) -> Smile:
    """The smile of strikes (k,), ascending, whose calls and puts have the volatilities iv (2, k).

    Of each strike the out-of-the-money side's (F ≥ K: the put). No forward (NaN): all NaN. Raises ValueError where
    the strikes do not ascend.
    """
    if (np.diff(strike) <= 0).any():
        raise ValueError("the strikes of a smile must ascend")
    atm = atm_strike(strike, forward)
    known = strike_volatility(strike, iv, forward)
    atm_iv = math.nan if math.isnan(atm) else float(known[np.searchsorted(strike, atm)])
    return Smile(strike, _out_of_the_money(strike, iv, forward), forward, years, atm, atm_iv)


def volatility_at(smile: Smile, log_moneyness: npt.ArrayLike) -> Floats:
    """The smile's volatility at ln(K/F), any shape: linear in ln K between the points that are known.

    NaN outside them and where there are none: nothing is extrapolated.
    """
    wanted = np.asarray(log_moneyness, dtype=np.float64)
    known = ~np.isnan(smile.sigma)
    if not known.any():
        return np.full(wanted.shape, np.nan)
    points = np.interp(wanted, smile.log_moneyness[known], smile.sigma[known], left=np.nan, right=np.nan)
    return np.asarray(points)


def strike_at_delta(smile: Smile, delta: float) -> float:
    """The strike, listed or not, whose option has this delta on the interpolated smile; rupees.

    delta: N(d₁) of a call, in (0, 1), or −N(−d₁) of a put, in (−1, 0); on S = F·e^(−rT), so without a discount.
    NaN where the smile does not reach so far; of several strikes the one nearest the forward. Raises ValueError for
    a delta outside these. The root is closed: on a segment s = σ√T is a + b·y with y = ln(K/F), and d₁ = −y/s + s/2
    is the wanted d where b²/2·y² + (ab − db − 1)·y + a²/2 − da = 0.
    """
    if not 0 < abs(delta) < 1:
        raise ValueError(f"delta must lie in (0, 1) for a call, (-1, 0) for a put, not {delta}")
    d1 = NormalDist().inv_cdf(delta) if delta > 0 else -NormalDist().inv_cdf(-delta)
    known = ~np.isnan(smile.sigma)
    if not (known.any() and smile.years > 0):
        return math.nan
    y, s = smile.log_moneyness[known], smile.sigma[known] * math.sqrt(smile.years)
    slope = np.diff(s) / np.diff(y)
    level = s[:-1] - slope * y[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        roots = _quadratic_roots(slope**2 / 2, (level - d1) * slope - 1, (level / 2 - d1) * level)
    inside = (roots >= y[:-1] - _ROUNDING) & (roots <= y[1:] + _ROUNDING)
    found = roots[inside]
    return smile.forward * math.exp(found[np.argmin(np.abs(found))]) if found.size else math.nan


def smile_measures(smile: Smile) -> SmileMeasures:
    """Risk reversal, butterfly and slope of a smile at its 25-delta strikes."""
    call, put = strike_at_delta(smile, WING_DELTA), strike_at_delta(smile, -WING_DELTA)
    wings = np.log(np.array([call, put]) / smile.forward)
    call_iv, put_iv = volatility_at(smile, _within(smile, wings)).tolist()
    reversal = call_iv - put_iv
    return SmileMeasures(
        atm_iv=smile.atm_iv,
        call_strike=call,
        call_iv=call_iv,
        put_strike=put,
        put_iv=put_iv,
        risk_reversal=reversal,
        butterfly=(call_iv + put_iv) / 2 - smile.atm_iv,
        skew_slope=reversal / float(wings[0] - wings[1]),
    )


def straddle(strike: Floats, mark: Floats, *, forward: float) -> float:
    """Call plus put at the listed strike nearest the forward; rupees. strike (k,) ascending, mark (2, k).

    NaN without a forward or where either has no mark.
    """
    atm = atm_strike(strike, forward)
    return math.nan if math.isnan(atm) else float(mark[:, np.searchsorted(strike, atm)].sum())


def expected_move(straddle: npt.ArrayLike) -> Floats:
    """How far the market expects the underlying to move until expiry: 0.85 · straddle, rupees; NaN for NaN."""
    return np.asarray(STRADDLE_SHARE * np.asarray(straddle, dtype=np.float64))


def expected_move_by_volatility(forward: npt.ArrayLike, atm_iv: npt.ArrayLike, years: npt.ArrayLike) -> Floats:
    """One standard deviation until expiry, F · σ_ATM · √T, rupees; arrays of one shape. NaN where T is negative."""
    left = np.asarray(years, dtype=np.float64)
    root = np.sqrt(np.where(left >= 0, left, np.nan))
    return np.asarray(np.asarray(forward, dtype=np.float64) * np.asarray(atm_iv, dtype=np.float64) * root)


def _out_of_the_money(strike: Floats, iv: Floats, forward: float) -> Floats:
    side = np.where(forward >= strike, iv[PUT], iv[CALL])
    return np.where(np.isnan(forward), np.nan, side)


def _quadratic_roots(a: Floats, b: Floats, c: Floats) -> Floats:
    """Both roots (2, n) of a·y² + b·y + c without cancellation; a may be 0. NaN or infinite where there is none."""
    q = -(b + np.copysign(np.sqrt(b * b - 4 * a * c), b)) / 2
    return np.array([c / q, q / a])


def _within(smile: Smile, log_moneyness: Floats) -> Floats:
    """Roots at the very ends of the smile, put back on it where rounding took them out."""
    known = smile.log_moneyness[~np.isnan(smile.sigma)]
    return np.clip(log_moneyness, known[0], known[-1]) if known.size else log_moneyness
