"""What contracts are worth, and how eagerly they are traded, given the state of their underlyings."""

import numpy as np

from fo_analytics.domain.calendar import YEAR_MS
from fo_analytics.domain.pricing import price
from tradingviz.quickstart.simulator import surface
from tradingviz.quickstart.simulator.listing import CALL, FUTURE, SPOT, Listing
from tradingviz.quickstart.simulator.noise import Floats, Ints
from tradingviz.quickstart.simulator.tide import Tide, column

RATE = 0.065
_CARRY = RATE - column("dividend")
_SKEW, _CURVATURE, _LIQUIDITY, _VOLATILITY = (column(name) for name in ("skew", "curvature", "liquidity", "volatility"))
_RANKS = np.array([1.0, 0.45, 0.15, 0.06, 0.04, 0.03, 0.02, 0.02])


def years_left(found: Listing, rows: Ints, ts: Ints) -> Floats:
    """Return years to expiry, at least those of a second; of a spot none matter."""
    years: Floats = np.maximum(found.expires_ms[rows] - ts, 1000) / YEAR_MS
    return years


def forwards(found: Listing, rows: Ints, spot: Floats, years: Floats) -> Floats:
    """Return forwards (rupees) with the carry of each underlying; a spot's is itself."""
    carried = spot * np.exp(_CARRY[found.underlying[rows]] * np.minimum(years, 5.0))
    return np.where(found.kind[rows] == SPOT, spot, carried)


def volatilities(found: Listing, rows: Ints, ts: Ints, tide: Tide, at: Ints) -> Floats:
    """Return the model's volatilities a year of options; `at` says which instant of the tide each row is at."""
    which = found.underlying[rows]
    years = years_left(found, rows, ts)
    forward = forwards(found, rows, tide.spot[at, which], years)
    theta = surface.at_the_money(years, tide.now[at, which], tide.later[at, which])
    moneyness = np.log(found.strike[rows] / forward)
    return surface.volatility(moneyness, theta, years, skew=_SKEW[which], curvature=_CURVATURE[which])


def fair_values(found: Listing, rows: Ints, ts: Ints, tide: Tide, at: Ints) -> Floats:
    """Return what spots, futures and options are worth (rupees)."""
    kind = found.kind[rows]
    years = years_left(found, rows, ts)
    value = forwards(found, rows, tide.spot[at, found.underlying[rows]], years)
    option = kind >= CALL
    some = rows[option]
    sigma = volatilities(found, some, ts[option], tide, at[option])
    is_call = kind[option] == CALL
    value[option] = price(value[option], found.strike[some], years[option], sigma, is_call, rate=RATE)
    return value


def liquidity(found: Listing, rows: Ints, spot: Floats, ts: int) -> Floats:
    """Return how eagerly rows are traded, 0 to 1, with the underlyings' spots (underlyings,) at an instant (ms UTC).

    It falls with the distance from the money in standard deviations, and from expiry to expiry.
    """
    which = found.underlying[rows]
    years = years_left(found, rows, np.full(len(rows), ts))
    ranked = _LIQUIDITY[which] * _RANKS[np.minimum(found.rank[rows], len(_RANKS) - 1)]
    distance = np.log(np.nan_to_num(found.strike[rows], nan=1.0) / spot[which]) / (
        _VOLATILITY[which] * np.sqrt(np.maximum(years, 1 / 365))
    )
    eager = ranked * np.exp(-0.5 * (distance / 1.5) ** 2)
    steady: Floats = np.maximum(ranked, 0.35 * _LIQUIDITY[which])
    result: Floats = np.where(found.kind[rows] <= FUTURE, steady, eager)
    return result
