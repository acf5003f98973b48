"""Volatilities without arbitrage: the surface SSVI of Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces".

Total variance w(k, θ) = θ/2 · (1 + ρφk + √((φk + ρ)² + 1 − ρ²)) with φ = η / √(θ(1 + θ)), k the logarithm of strike
over forward and θ the total variance at the money. There is no butterfly where η(1 + |ρ|) ≤ 2, and no calendar
arbitrage where θ rises with time.
"""

import numpy as np

from tradingviz.quickstart.simulator.noise import Floats

REVERSION = 8.0


def at_the_money(years: Floats, now: Floats, later: Floats) -> Floats:
    """Return θ: the variance a year goes from `now` to `later` at the rate REVERSION. It rises with `years`."""
    return later * years - (now - later) * np.expm1(-REVERSION * years) / REVERSION


def volatility(moneyness: Floats, theta: Floats, years: Floats, *, skew: Floats, curvature: Floats) -> Floats:
    """Return volatilities a year; `moneyness` is ln(strike / forward), `skew` is ρ and `curvature` is η."""
    x = curvature / np.sqrt(theta * (1.0 + theta)) * moneyness
    total = 0.5 * theta * (1.0 + skew * x + np.sqrt((x + skew) ** 2 + 1.0 - skew**2))
    return np.sqrt(total / years)
