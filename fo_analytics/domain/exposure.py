"""Exposure of the dealers to gamma, vanna and charm, per strike of one expiry, and where it turns.

That dealers are long every call and short every put is an assumption, and answers have to say so. Arrays are (2, k):
row 0 calls, row 1 puts, one column per listed strike, ascending; NaN is not known. Open interest is in units.
Formulas: "Chain analytics" of the project's conventions.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fo_analytics.domain.pricing import greeks
from fo_analytics.domain.ticks import Floats

ASSUMPTION = "dealers are long calls and short puts"
PER_CENT = 0.01
FLIP_RANGE = 0.10
_GRID_POINTS = 201
_HALVINGS = 60
_SIGN = np.array([[1.0], [-1.0]])


class Exposure(NamedTuple):
    """Terms (2, k), calls + and puts -; their sum per strike (k,); their total; how many contracts it lacks.

    Sums are of what is known, NaN where nothing is; `left_out` counts contracts with open interest but no Greek."""

    term: Floats
    net: Floats
    total: float
    left_out: int


class Walls(NamedTuple):
    """The strikes with the largest call and the largest put term, in rupees; NaN where there is none."""

    call: float
    put: float


def gamma_exposure(gamma: Floats, oi: Floats, spot: float) -> Exposure:
    """GEX: ± gamma · OI · S² · 0.01, rupees of delta per 1 % move of the underlying.

    gamma, oi: (2, k), per rupee of S twice and units. spot: rupees, the S of the Greeks (F·e^(−rT) in convention
    `exact`). A contract without open interest has a term of 0, one whose gamma or open interest is unknown NaN.
    """
    return _exposure(gamma, oi, spot * spot * PER_CENT)


def vanna_exposure(vanna: Floats, oi: Floats, spot: float) -> Exposure:
    """± vanna · OI · S, rupees of delta per volatility point; arguments as in `gamma_exposure`."""
    return _exposure(vanna, oi, spot)


def charm_exposure(charm: Floats, oi: Floats, spot: float) -> Exposure:
    """± charm · OI · S, rupees of delta per calendar day; arguments as in `gamma_exposure`."""
    return _exposure(charm, oi, spot)


def walls(strike: Floats, term: Floats, *, forward: float) -> Walls:
    """The strikes (k,) where the terms (2, k) of an `Exposure` are largest: of calls, and in size of puts.

    Ties go to the strike nearest `forward` (rupees; NaN for none), then to the lower. NaN where that side has
    no such term above 0.
    """
    return Walls(*(_largest(strike, size, forward) for size in _SIGN * term))


def gamma_flip(strike: Floats, sigma: Floats, oi: Floats, *, forward: float, years: float, rate: float = 0.0) -> float:
    """The forward nearest the present one at which total GEX changes sign, each strike's volatility held; rupees.

    strike, sigma: (k,), rupees and fraction a year (NaN: that strike is left out); oi (2, k). years: of 365 days.
    rate: continuous, per year. Searched from 0.90 to 1.10 of `forward`, on 201 even points and the listed strikes
    between (near expiry the total's bumps are narrower than any even grid), and bisected to the last place. Of two
    zeros equally near the lower; where every gamma has underflowed, the low end of that stretch. NaN where the sign
    does not change there or nothing is known.
    """
    weight = np.nansum(_SIGN * oi, axis=0)
    used = (sigma > 0) & (weight != 0)
    if not (used.any() and forward > 0 and years > 0):
        return math.nan
    strikes, sigmas, weights = strike[used], sigma[used], weight[used]

    def total(forwards: Floats) -> Floats:
        spot = forwards * math.exp(-rate * years)
        # Call and put of a strike share volatility, hence gamma.
        gamma = greeks(forwards[:, None], strikes, years, sigmas, True, rate=rate).gamma
        return np.asarray((gamma @ weights) * spot * spot * PER_CENT)

    low, high = _sign_changes(total, _grid(strikes, forward))
    near = np.searchsorted(high, forward) + np.arange(-1, 2)
    near = near[(near >= 0) & (near < low.size)]
    roots = _bisect(total, low[near], high[near])
    return float(roots[np.argmin(np.abs(roots - forward))]) if roots.size else math.nan


def _exposure(greek: Floats, oi: Floats, scale: float) -> Exposure:
    term = np.where(oi == 0, 0.0, _SIGN * greek * oi * scale)
    left_out = int(((oi > 0) & np.isnan(greek)).sum())
    return Exposure(term, _known_sum(term, axis=0), float(_known_sum(term)), left_out)


def _known_sum(values: Floats, axis: int | None = None) -> Floats:
    known = ~np.isnan(values)
    return np.asarray(np.where(known.any(axis=axis), np.nansum(values, axis=axis), np.nan))


def _largest(strike: Floats, size: Floats, forward: float) -> float:
    sizes = np.nan_to_num(size)
    if not sizes.size or sizes.max() <= 0:
        return math.nan
    largest = strike[sizes == sizes.max()]
    return float(largest[0] if math.isnan(forward) else largest[np.argmin(np.abs(largest - forward))])


def _grid(strikes: Floats, forward: float) -> Floats:
    """Forwards to look at, ascending."""
    first, last = (1 - FLIP_RANGE) * forward, (1 + FLIP_RANGE) * forward
    inside = strikes[(strikes > first) & (strikes < last)]
    return np.unique(np.concatenate([np.linspace(first, last, _GRID_POINTS), inside]))


def _sign_changes(function: Callable[[Floats], Floats], grid: Floats) -> tuple[Floats, Floats]:
    """Low and high ends of the intervals over which the function changes sign; points where it is 0 are passed over."""
    value = function(grid)
    points = grid[value != 0]
    sign = np.sign(value[value != 0])
    at = np.flatnonzero(sign[1:] * sign[:-1] < 0)
    return points[at], points[at + 1]


def _bisect(function: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """The zeros in intervals over which the function changes sign."""
    if not low.size:
        return low
    sign = np.sign(function(low))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        same = np.sign(function(middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return (low + high) / 2
