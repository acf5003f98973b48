"""Volatility over strikes and expiries: term structure, surface on a grid, and where it offers an arbitrage.

The surface is one function, total variance w(x, T) = σ²·T at x = ln(K/F(T)):

* at a listed expiry σ is linear in ln K between the strikes that have one (`smile.volatility_at`);
* between two listed expiries w is linear in T at equal x, both being known there;
* nothing is extrapolated, in neither direction: NaN.

At equal forward-moneyness w may not fall with T: M. Fengler, "Arbitrage-free smoothing of the implied volatility
surface", 2009. Volatilities are fractions a year, years of 365 days. Expiries ascend.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.pricing import price
from fo_analytics.domain.smile import Smile, volatility_at
from fo_analytics.domain.ticks import Floats, Mask

VARIANCE_TOLERANCE = 1e-12
PRICE_TOLERANCE = 1e-9


class TermStructure(NamedTuple):
    """At the money, one value per expiry (e,): years, forward (rupees), atm_iv, total variance σ²T.

    `forward_variance` is that between the known expiry before (or today) and this one, per year, and
    `forward_iv` its root: NaN where the variance is negative."""

    years: Floats
    forward: Floats
    atm_iv: Floats
    total_variance: Floats
    forward_variance: Floats
    forward_iv: Floats


class Surface(NamedTuple):
    """The surface at years (t,): ln(K/F), volatility and total variance, each (t, g), NaN outside the listed."""

    years: Floats
    log_moneyness: Floats
    sigma: Floats
    total_variance: Floats


def term_structure(smiles: Sequence[Smile]) -> TermStructure:
    """Volatility at the money per expiry, and the variance between expiries: (w − w₀) / (T − T₀).

    T₀, w₀ belong to the nearest earlier expiry with a volatility, and are 0 before the first. Raises ValueError
    where years do not ascend or are not positive.
    """
    years, atm_iv = _years(smiles), np.array([one.atm_iv for one in smiles], dtype=np.float64)
    variance = atm_iv**2 * years
    known = ~np.isnan(variance)
    between = np.full(years.shape, np.nan)
    between[known] = np.diff(variance[known], prepend=0.0) / np.diff(years[known], prepend=0.0)
    forward_iv = np.sqrt(np.where(between >= 0, between, np.nan))
    forwards = np.array([one.forward for one in smiles], dtype=np.float64)
    return TermStructure(years, forwards, atm_iv, variance, between, forward_iv)


def surface(
    smiles: Sequence[Smile], grid: npt.ArrayLike, *, years: npt.ArrayLike | None = None, standardised: bool = False
) -> Surface:
    """The surface at `years` (t,), any order, by default the listed expiries, on a grid (g,) of moneyness.

    grid: ln(K/F), or where `standardised` ln(K/F) / (σ_ATM·√T), that is, standard deviations; σ_ATM²·T is then
    `atm_iv`² · T, linear in T as the surface is. The grid's coordinate only says where the surface is looked at.
    Raises ValueError as `term_structure`.
    """
    listed = _years(smiles)
    wanted = listed if years is None else np.asarray(years, dtype=np.float64)
    points = np.asarray(grid, dtype=np.float64)
    moneyness = np.tile(points, (wanted.size, 1))
    if standardised:
        atm = np.array([one.atm_iv**2 * one.years for one in smiles])
        deviations = [math.sqrt(_between(listed, year, lambda at: atm[at])) for year in wanted.tolist()]
        moneyness *= np.array(deviations).reshape(-1, 1)
    variance = np.empty(moneyness.shape)
    for row, (year, x) in enumerate(zip(wanted.tolist(), moneyness, strict=True)):
        variance[row] = _variance_at(smiles, listed, year, x)
    return Surface(wanted, moneyness, np.sqrt(variance / wanted[:, None]), variance)


def total_variance(smile: Smile, log_moneyness: npt.ArrayLike) -> Floats:
    """σ²·T of a smile at ln(K/F), any shape; NaN outside it."""
    return np.asarray(volatility_at(smile, log_moneyness) ** 2 * smile.years)


def calendar_arbitrage(
    smiles: Sequence[Smile], log_moneyness: npt.ArrayLike, *, tolerance: float = VARIANCE_TOLERANCE
) -> Mask:
    """Flags (e, g): at this expiry and ln(K/F) (g,) the total variance is below that of *some* earlier expiry.

    By more than `tolerance` (of variance, no unit). Where a smile does not reach nothing is flagged. Raises
    ValueError as `term_structure`.
    """
    _years(smiles)
    points = np.asarray(log_moneyness, dtype=np.float64)
    variance = np.array([total_variance(one, points) for one in smiles]).reshape(len(smiles), points.size)
    largest = np.fmax.accumulate(variance, axis=0) if len(smiles) else variance
    flags = np.zeros(variance.shape, dtype=np.bool_)
    flags[1:] = variance[1:] < largest[:-1] - tolerance
    return flags


def butterfly_arbitrage(strike: Floats, price: Floats, *, tolerance: float = PRICE_TOLERANCE) -> Mask:
    """Flags (k,): the option at this strike costs more than the neighbours that enclose it, weighted to its strike.

    strike (k,) ascending, price (k,) of calls only or of puts only, rupees. Neighbours are the nearest strikes with
    a price; no flag at the ends or without a price. A convex price is at most the straight line between its
    neighbours; flagged where it is above by more than `tolerance` rupees: pass a tick or two for listed marks.
    """
    flags = np.zeros(strike.shape, dtype=np.bool_)
    known = np.flatnonzero(~np.isnan(price))
    k, p = strike[known], price[known]
    share = (k[2:] - k[1:-1]) / (k[2:] - k[:-2])
    flags[known[1:-1]] = p[1:-1] > share * p[:-2] + (1 - share) * p[2:] + tolerance
    return flags


def smile_butterfly_arbitrage(smile: Smile, *, tolerance: float = PRICE_TOLERANCE) -> Mask:
    """`butterfly_arbitrage` of the undiscounted calls that the smile's own points price, at its listed strikes."""
    calls = price(smile.forward, smile.strike, smile.years, smile.sigma, True)
    return butterfly_arbitrage(smile.strike, calls, tolerance=tolerance)


def _years(smiles: Sequence[Smile]) -> Floats:
    years = np.array([one.years for one in smiles], dtype=np.float64)
    if not (np.diff(years, prepend=0.0) > 0).all():
        raise ValueError("the years of expiries must be positive and ascend")
    return years


def _variance_at(smiles: Sequence[Smile], listed: Floats, year: float, log_moneyness: Floats) -> Floats:
    return _between(listed, year, lambda at: total_variance(smiles[at], log_moneyness))


def _between(listed: Floats, year: float, value: Callable[[int], Floats]) -> Floats:
    """A value of listed expiries, linear in time between them; NaN outside."""
    after = int(np.searchsorted(listed, year))
    if after < listed.size and listed[after] == year:
        return value(after)
    if not 0 < after < listed.size:
        return value(0) * np.nan if listed.size else np.asarray(np.nan)
    share = (year - listed[after - 1]) / (listed[after] - listed[after - 1])
    return np.asarray((1 - share) * value(after - 1) + share * value(after))
