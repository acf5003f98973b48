"""What legs would be worth elsewhere, later, and with other volatilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from strategies.domain.axes import MOST_PERCENT, capped, price_axis, shift_axis, time_axis
from strategies.domain.money import estimate
from strategies.domain.payoff import PayoffError
from strategies.domain.scenarios import Market, first_expiry_ms, scenario_grid
from strategies.selectors.cases import Case

Json = dict[str, Any]
MOST_SHIFT = 50.0
VOLATILITY_POINTS = 100.0


@dataclass(frozen=True, slots=True)
class Grid:
    """The places of a grid: how many, and how far from the present: prices per cent of the spot each side, volatility
    in points (0.01 a year) each side, time until an instant (ms UTC; None: the first expiry)."""

    spots: int
    spot_range: float
    shifts: int
    shift_range: float
    times: int
    until_ms: int | None


def scenario_answer(*, case: Case, grid: Grid) -> Json:
    """Return the gain of a case, rupees, realised included, at every spot, shift and instant of a grid; null where the
    volatility is not known or not above 0.

    Raises NotAvailable without a market or a spot to start from, PayoffError where nothing is open.
    """
    if not case.priced:
        raise PayoffError("nothing is open: there is nothing to be valued")
    market = case.market_with_spot().market
    spots, shifts = capped(grid.spot_range, MOST_PERCENT), capped(grid.shift_range, MOST_SHIFT)
    until_ms, cut = _until(case, market, grid)
    prices = price_axis(market.spot, percent=spots.value, points=grid.spots)
    points = shift_axis(shifts.value, grid.shifts)
    instants = time_axis(market.as_of_ms, until_ms, grid.times)
    found = scenario_grid(
        case.legs,
        market,
        spot=np.array(prices, np.float64),
        sigma_shift=points / VOLATILITY_POINTS,
        at_ms=instants,
    )
    marks = {"spot_range": spots.capped, "shift_range": shifts.capped, "until": cut}
    return {
        "spot_range": spots.value,
        "shift_range": shifts.value,
        "spot": prices,
        "shift": points.tolist(),
        "time": (instants // 1000).tolist(),
        "value": [[[estimate(value) for value in row] for row in sheet] for sheet in found.tolist()],
        "capped": [name for name, was in marks.items() if was],
    }


def _until(case: Case, market: Market, grid: Grid) -> tuple[int, bool]:
    """The last instant, and whether that is not the one asked for: from now to the last expiry (of shares: any)."""
    expiries = [leg.contract.expiry for leg in case.priced if leg.contract.expiry is not None]
    if grid.until_ms is None:
        first = first_expiry_ms(case.legs, market) if expiries else market.as_of_ms
        return max(first, market.as_of_ms), False
    last = max((market.terms[day].expires_at_ms for day in expiries), default=grid.until_ms)
    until_ms = max(min(grid.until_ms, last), market.as_of_ms)
    return until_ms, until_ms != grid.until_ms
