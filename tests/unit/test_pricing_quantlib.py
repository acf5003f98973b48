"""Prices and Greeks beside QuantLib's, on options like the listed ones."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from fo_analytics.domain.pricing import Greeks, greeks

ql = pytest.importorskip("QuantLib", reason="QuantLib is not installed (requirements/dev)")

FORWARD, RATE = 24_575.5, 0.065
OPTIONS = list(
    product(
        np.arange(23_000.0, 26_200.0, 100.0),  # strike
        np.array([0.2, 1, 4, 32, 90]) / 365,  # years
        [0.09, 0.14, 0.3],  # sigma
        [True, False],  # is_call
    )
)
TOLERANCE = 1e-9
COMPARED = ("delta", "gamma", "theta", "vega", "rho", "vanna")  # its volga is another quantity


def quantlibs(strike: float, years: float, sigma: float, is_call: bool) -> dict[str, float]:
    """QuantLib's numbers in our units; its Greeks hold the growth from spot to forward fixed, as ours do."""
    discount = float(np.exp(-RATE * years))
    spot, side = FORWARD * discount, ql.Option.Call if is_call else ql.Option.Put
    total = float(sigma * np.sqrt(years))
    calculator = ql.BlackCalculator(ql.PlainVanillaPayoff(side, strike), FORWARD, total, discount)
    return {
        "price": calculator.value(),
        "delta": calculator.delta(spot),
        "gamma": calculator.gamma(spot),
        "theta": calculator.theta(spot, years) / 365,
        "vega": calculator.vega(years) / 100,
        "rho": calculator.rho(years) / 100,
        "vanna": calculator.vanna(spot, years) / 100,
    }


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, NDArray[np.float64]], Greeks]:
    """QuantLib's numbers and ours for all options."""
    rows = [quantlibs(*option) for option in OPTIONS]
    strike, years, sigma, is_call = np.array(OPTIONS).T
    actual = greeks(FORWARD, strike, years, sigma, is_call, rate=RATE)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, actual


def test_prices_agree_but_for_quantlibs_rounding(both: tuple[dict[str, NDArray[np.float64]], Greeks]) -> None:
    expected, actual = both
    allowed = 1e-12 * expected["price"] + 8 * np.spacing(FORWARD)
    assert (np.abs(actual.price - expected["price"]) <= allowed).all()


@pytest.mark.parametrize("name", COMPARED)
def test_greeks_agree(both: tuple[dict[str, NDArray[np.float64]], Greeks], name: str) -> None:
    expected, actual = both[0][name], getattr(both[1], name)
    # Far from the money its N(d) carries the rounding of a number near 1; the 50-digit table is stricter there.
    rounding = 1e-15 * np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE, atol=rounding)
