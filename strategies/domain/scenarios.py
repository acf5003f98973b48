"""What a strategy would be worth, by our pricing kernels: today, later, elsewhere, and at its first expiry.

An estimate, so floating point. A scenario is a spot, a shift of all volatilities and an instant. Each expiry's forward
keeps its carry b = ln(F/S)/T: after a move to S' and with T' years left it is S'·e^(b·T'); a future with a price of its
own keeps that price's. At T' = 0 an option is worth its intrinsic value on S'; later expiries go on being priced: so a
calendar spread is valued at its first expiry.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import YEAR_MS
from fo_analytics.domain.pricing import price
from strategies.domain.legs import Contract, Kind, Leg
from strategies.domain.payoff import PayoffError, above, cost_of, one_underlying, pinned_gains
from strategies.domain.positions import realised_exactly

Floats = npt.NDArray[np.float64]

GRID_SIZE = 2_001
GRID_LOW, GRID_HIGH = 0.5, 1.5
BISECTIONS = 36  # of a step of the grid: 1e-14 of the spot


@dataclass(frozen=True, slots=True)
class Term:
    """One expiry now: its forward, rupees, and its expiry instant, milliseconds UTC."""

    forward: float
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Market:
    """What legs are valued under: spot rupees, terms by expiry, volatility (fraction a year) by contract key, `rate`
    continuous a year, and the instant, milliseconds UTC; `futures`: their own prices, rupees, by contract key."""

    as_of_ms: int
    spot: float
    rate: float
    terms: Mapping[date, Term]
    sigma: Mapping[int, float]
    futures: Mapping[int, float] = field(default_factory=dict)


class Extremes(NamedTuple):
    """Of a curve over a range of spots, rupees: where it is 0, its largest and its smallest value within that range."""

    break_evens: tuple[float, ...]
    highest: float
    lowest: float
    low: float
    high: float


def scenario_grid(
    legs: Sequence[Leg], market: Market, *, spot: npt.ArrayLike, sigma_shift: npt.ArrayLike, at_ms: npt.ArrayLike
) -> Floats:
    """Return the gain of a strategy, rupees, realised included: (spots, shifts, instants).

    spot: rupees > 0. sigma_shift: added to every volatility (0.01 = one point). at_ms: not before the market's instant.
    NaN where a volatility is missing or not above 0. Past the expiry of a leg its gain is that of expiring at that
    spot. Raises PayoffError as `payoff`, KeyError for an expiry without a term, ValueError for earlier instants.
    """
    spots, shifts, instants = (np.atleast_1d(np.asarray(axis, np.float64)) for axis in (spot, sigma_shift, at_ms))
    return _gains(_Book.of(legs), market, spots, shifts, instants)


@dataclass(frozen=True, slots=True)
class _Book:
    """Legs summed up once for many valuations: what is earned or paid already, and the open contracts with units."""

    fixed: float
    held: tuple[tuple[Contract, int], ...]

    @classmethod
    def of(cls, legs: Sequence[Leg]) -> "_Book":
        """Return the book of legs; of one contract in several legs the sum. Raises PayoffError."""
        priced = one_underlying(legs)
        fixed = realised_exactly(legs) + pinned_gains(legs) - sum(map(cost_of, priced))
        contracts = {leg.contract.key: leg.contract for leg in priced}
        units = dict.fromkeys(contracts, 0)
        for leg in priced:
            units[leg.contract.key] += leg.signed_units
        return cls(float(fixed), tuple((contracts[key], amount) for key, amount in units.items() if amount))


def _gains(book: _Book, market: Market, spots: Floats, shifts: Floats, instants: Floats) -> Floats:
    if (instants < market.as_of_ms).any():
        raise ValueError("a scenario cannot be before the market it starts from")
    total = np.full((len(spots), len(shifts), len(instants)), book.fixed)
    grid = np.ix_(spots, shifts, instants)
    for contract, units in book.held:
        total += units * _unit_value(contract, market, *grid)
    return total


def first_expiry_ms(legs: Sequence[Leg], market: Market) -> int:
    """Return the earliest expiry instant of open legs, milliseconds. Raises PayoffError where none expires."""
    expiries = [leg.contract.expiry for leg in one_underlying(legs) if leg.contract.expiry is not None]
    if not expiries:
        raise PayoffError("none of the legs expires")
    return min(market.terms[expiry].expires_at_ms for expiry in expiries)


def units_beyond(legs: Sequence[Leg]) -> int:
    """Return the units that gain (below 0: lose) with a spot far above all strikes: other than 0, that is unlimited.

    Raises PayoffError as `payoff`.
    """
    return sum(leg.signed_units for leg in one_underlying(legs) if leg.contract.kind is not Kind.PUT)


def curve(legs: Sequence[Leg], market: Market, *, at_ms: int) -> Callable[[npt.ArrayLike], Floats]:
    """Return the gain of a strategy at an instant, volatilities unchanged, as a function of spots (n,), rupees."""

    book, still, instant = _Book.of(legs), np.zeros(1), np.array([at_ms], np.float64)

    def gain(spot: npt.ArrayLike) -> Floats:
        return _gains(book, market, np.atleast_1d(np.asarray(spot, np.float64)), still, instant)[:, 0, 0]

    return gain


def extremes(gain: Callable[[npt.ArrayLike], Floats], *, spot: float) -> Extremes:
    """Return break-evens and extremes of a curve between half and one and a half times the spot.

    The curve is looked at in 2,001 places; zeros closer than a step of them may be missed.
    """
    places = np.linspace(GRID_LOW * spot, GRID_HIGH * spot, GRID_SIZE)
    found = gain(places)
    if np.isnan(found).any():
        return Extremes((), math.nan, math.nan, places[0], places[-1])
    zeros = (*places[found == 0].tolist(), *_crossings(gain, places, found).tolist())
    return Extremes(tuple(sorted(zeros)), *(float(v) for v in (found.max(), found.min(), places[0], places[-1])))


def probability_of_gain(
    gain: Callable[[npt.ArrayLike], Floats],
    *,
    spot: float,
    forward: float,
    sigma: float,
    years: float,
    seen: Extremes | None = None,
) -> float:
    """Return the probability that a curve is above 0 at its instant, the spot then log-normal with mean `forward`.

    sigma a year and years as `payoff.probability_of_profit`. The sign at the ends of the range holds beyond them. NaN
    where the curve or an argument is not known. `seen`: the curve's `extremes`, where they have been found already.
    """
    deviation = sigma * math.sqrt(years) if years > 0 else math.nan
    zeros = seen or extremes(gain, spot=spot)
    if not (forward > 0 and 0 < deviation < math.inf) or math.isnan(zeros.highest):
        return math.nan
    bounds = np.array([zeros.low, *zeros.break_evens, zeros.high])
    positive = gain((bounds[:-1] + bounds[1:]) / 2) > 0
    tails = [1.0, *(above(zero, forward, deviation) for zero in zeros.break_evens), 0.0]
    return float(np.sum(-np.diff(tails)[positive]))


def _unit_value(contract: Contract, market: Market, spot: Floats, shift: Floats, at_ms: Floats) -> Floats:
    """Rupees a unit, broadcast over the grid."""
    shape = np.broadcast_shapes(spot.shape, shift.shape, at_ms.shape)
    if contract.expiry is None:
        return np.broadcast_to(spot, shape)
    term = market.terms[contract.expiry]
    left = np.maximum(term.expires_at_ms - at_ms, 0) / YEAR_MS
    own = Term(market.futures.get(contract.key, term.forward), term.expires_at_ms)
    forward = np.broadcast_to(spot * np.exp(_carry(market, own) * left), shape)
    if contract.kind is Kind.FUTURE or contract.strike is None:
        return forward
    return _option_value(contract.kind is Kind.CALL, float(contract.strike), forward, left, shift, market, contract.key)


def _option_value(
    is_call: bool, strike: float, forward: Floats, left: Floats, shift: Floats, market: Market, key: int
) -> Floats:
    years, sigma = np.broadcast_to(left, forward.shape), market.sigma.get(key, math.nan) + shift
    modelled = price(forward, strike, years, np.broadcast_to(sigma, forward.shape), is_call, rate=market.rate)
    intrinsic = np.maximum(forward - strike if is_call else strike - forward, 0.0)
    return np.where(years > 0, modelled, intrinsic)


def _carry(market: Market, term: Term) -> float:
    """b = ln(F/S)/T a year; 0 once expired."""
    years = (term.expires_at_ms - market.as_of_ms) / YEAR_MS
    return math.log(term.forward / market.spot) / years if years > 0 else 0.0


def _crossings(gain: Callable[[npt.ArrayLike], Floats], places: Floats, found: Floats) -> Floats:
    """Where the sign changes between neighbouring places, by halving all the intervals at once."""
    before = np.flatnonzero(found[:-1] * found[1:] < 0)
    low, high, sign = places[before], places[before + 1], np.sign(found[before])
    for _ in range(BISECTIONS if len(before) else 0):
        middle = (low + high) / 2
        same = np.sign(gain(middle)) == sign
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return np.asarray((low + high) / 2)
