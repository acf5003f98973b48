"""What the market of market.py must give, by formulas of the tests' own."""

import math
from datetime import date
from statistics import NormalDist

from tests.api.market import LAST, RATE, SIGMA, SPOT, ist

YEAR_MS = 365 * 86_400_000
cdf = NormalDist().cdf


def years(expiry: date, at_ms: int = LAST) -> float:
    """Return the years from an instant to 15:30 IST of an expiry."""
    return (ist(f"{expiry} 15:30:00") - at_ms) / YEAR_MS


def d1(expiry: date, strike: float, *, spot: float = SPOT, sigma: float = SIGMA, at_ms: int = LAST) -> float:
    """Return d₁ of Black-76; forwards of this market are carried at the rate."""
    left = years(expiry, at_ms)
    return (math.log(spot / strike) + RATE * left) / (sigma * math.sqrt(left)) + sigma * math.sqrt(left) / 2


def worth(
    kind: str, expiry: date, strike: float, *, spot: float = SPOT, sigma: float = SIGMA, at_ms: int = LAST
) -> float:
    """Return the price of an option, rupees; its intrinsic value once it has expired."""
    sign = 1 if kind == "CE" else -1
    left = years(expiry, at_ms)
    if left <= 0:
        return max(sign * (spot - strike), 0.0)
    first = d1(expiry, strike, spot=spot, sigma=sigma, at_ms=at_ms)
    second = first - sigma * math.sqrt(left)
    return sign * (spot * cdf(sign * first) - strike * math.exp(-RATE * left) * cdf(sign * second))


def chance_above(price: float, expiry: date) -> float:
    """Return the probability that the underlying ends above a price."""
    return cdf(d1(expiry, price) - SIGMA * math.sqrt(years(expiry)))
