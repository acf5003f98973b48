"""Dealers' exposure: against finite differences of a delta written here, and the flip of two strikes in closed form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fo_analytics.domain.exposure import charm_exposure, gamma_exposure, gamma_flip, vanna_exposure, walls
from fo_analytics.domain.pricing import greeks

Floats = NDArray[np.float64]
NAN = math.nan
FORWARD, YEARS, RATE = 25_013.0, 3.3 / 365, 0.065
SPOT = FORWARD * math.exp(-RATE * YEARS)
STRIKES = np.array([24_800.0, 24_900.0, 25_000.0, 25_100.0, 25_200.0])
SIGMA = np.array([0.15, 0.142, 0.137, 0.135, 0.136])
OI = np.array([[650.0, 1300.0, 6500.0, 13000.0, 19500.0], [26000.0, 9100.0, 5200.0, 1950.0, 65.0]])
GREEKS = greeks(FORWARD, STRIKES, YEARS, SIGMA, [[True], [False]], rate=RATE)


def delta(spot: float, strike: float, sigma: float, years: float, side: int) -> float:
    """Black-Scholes delta of the spot, from the error function."""
    d1 = (math.log(spot / strike) + (RATE + sigma**2 / 2) * years) / (sigma * math.sqrt(years))
    return side * math.erfc(-side * d1 / math.sqrt(2)) / 2


def dealers(change: float, column: int, row: int) -> float:
    """What a change of one option's delta is in rupees to a dealer long calls and short puts."""
    return (1 - 2 * row) * change * float(OI[row, column]) * SPOT


def differences(row: int, column: int) -> tuple[float, float, float]:
    """Change of delta by 1 % of spot (of the tangent), a volatility point and a day, by differences."""
    strike, sigma, side = float(STRIKES[column]), float(SIGMA[column]), 1 - 2 * row
    h, v, t = 1e-4 * SPOT, 1e-5, 1e-6 * YEARS
    gamma = (delta(SPOT + h, strike, sigma, YEARS, side) - delta(SPOT - h, strike, sigma, YEARS, side)) / (2 * h)
    vanna = (delta(SPOT, strike, sigma + v, YEARS, side) - delta(SPOT, strike, sigma - v, YEARS, side)) / (2 * v)
    decay = (delta(SPOT, strike, sigma, YEARS - t, side) - delta(SPOT, strike, sigma, YEARS + t, side)) / (2 * t)
    return gamma * 0.01 * SPOT, vanna * 0.01, decay / 365


@pytest.mark.parametrize("row", [0, 1])
def test_exposures_are_the_rupees_of_delta_that_differences_give(row: int) -> None:
    gamma = gamma_exposure(GREEKS.gamma, OI, SPOT)
    vanna = vanna_exposure(GREEKS.vanna, OI, SPOT)
    charm = charm_exposure(GREEKS.charm, OI, SPOT)
    for column in range(len(STRIKES)):
        expected = [dealers(change, column, row) for change in differences(row, column)]
        found = [float(one.term[row, column]) for one in (gamma, vanna, charm)]
        assert found == pytest.approx(expected, rel=2e-4)


def test_calls_count_for_the_dealers_and_puts_against_them() -> None:
    # gamma 0.0002, 1,000 units, S 25,000: 0.0002 · 1,000 · 25,000² · 0.01 = 1,250,000 rupees a per cent.
    found = gamma_exposure(np.full((2, 2), 0.0002), np.array([[1000.0, 0.0], [400.0, 1000.0]]), 25_000.0)
    np.testing.assert_allclose(found.term, [[1_250_000.0, 0.0], [-500_000.0, -1_250_000.0]])
    np.testing.assert_allclose(found.net, [750_000.0, -1_250_000.0])
    assert found.total == pytest.approx(-500_000.0)
    assert found.left_out == 0


def test_sums_are_of_what_is_known_and_say_what_they_lack() -> None:
    gamma = np.array([[NAN, 0.0002, NAN], [0.0002, 0.0002, NAN]])
    oi = np.array([[1000.0, NAN, 0.0], [400.0, NAN, 0.0]])
    found = gamma_exposure(gamma, oi, 25_000.0)
    np.testing.assert_allclose(found.term, [[NAN, NAN, 0.0], [-500_000.0, NAN, 0.0]])
    np.testing.assert_allclose(found.net, [-500_000.0, NAN, 0.0])
    assert found.total == pytest.approx(-500_000.0)
    assert found.left_out == 1


def test_where_nothing_is_known_there_is_no_total() -> None:
    assert math.isnan(gamma_exposure(np.full((2, 2), 0.01), np.full((2, 2), NAN), 25_000.0).total)
    assert math.isnan(gamma_exposure(np.empty((2, 0)), np.empty((2, 0)), 25_000.0).total)


@pytest.mark.parametrize(
    ("calls", "puts", "forward", "expected"),
    [
        ([1.0, 5.0, 3.0], [-7.0, -2.0, -1.0], 105.0, (110.0, 100.0)),
        ([5.0, 1.0, 5.0], [-2.0, -2.0, -2.0], 111.0, (120.0, 110.0)),  # ties: nearest the forward
        ([5.0, 1.0, 5.0], [-2.0, -1.0, -2.0], 110.0, (100.0, 100.0)),  # as near: the lower
        ([5.0, 1.0, 5.0], [-2.0, -1.0, -2.0], NAN, (100.0, 100.0)),
        ([0.0, 0.0, 0.0], [NAN, NAN, NAN], 110.0, (NAN, NAN)),
        ([NAN, 0.5, NAN], [0.0, 0.0, -0.5], 110.0, (110.0, 120.0)),
    ],
)
def test_walls_are_the_largest_terms(
    calls: list[float], puts: list[float], forward: float, expected: tuple[float, float]
) -> None:
    strikes = np.array([100.0, 110.0, 120.0])
    assert walls(strikes, np.array([calls, puts]), forward=forward) == pytest.approx(expected, nan_ok=True)


def closed_flip(low: float, high: float, ratio: float, sigma: float, years: float) -> float:
    """Where n(d₁) of the low strike, `ratio` times, equals that of the high one: linear in ln F.

    a² − b² = 2 ln ratio with a = (ln F − ln low)/s + s/2, b likewise: (a − b)(a + b), a − b = ln(high/low)/s.
    """
    s = sigma * math.sqrt(years)
    apart = math.log(high / low) / s
    total = 2 * math.log(ratio) / apart
    return math.exp((math.log(low) + math.log(high) + s * (total - s)) / 2)


@pytest.mark.parametrize("years", [1 / 365 / 24, 1 / 365, 7 / 365, 60 / 365])
@pytest.mark.parametrize("ratio", [0.7, 1.0, 3.0])
def test_the_flip_between_two_strikes_is_the_closed_one(years: float, ratio: float) -> None:
    strikes = np.array([24_900.0, 25_100.0])
    oi = np.array([[1000.0, 1300.0], [1000.0 + 1000.0 * ratio, 300.0]])
    zero = closed_flip(24_900.0, 25_100.0, ratio, 0.13, years)
    expected = zero if abs(zero / 25_013.0 - 1) <= 0.1 else NAN
    found = gamma_flip(strikes, np.full(2, 0.13), oi, forward=25_013.0, years=years, rate=RATE)
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_of_two_zeros_the_one_nearest_the_forward_is_the_flip() -> None:
    strikes, years = np.array([24_000.0, 25_000.0, 26_000.0]), 2 / 365
    oi = np.array([[0.0, 1000.0, 0.0], [1000.0, 0.0, 1000.0]])
    below = gamma_flip(strikes, np.full(3, 0.13), oi, forward=24_900.0, years=years)
    above = gamma_flip(strikes, np.full(3, 0.13), oi, forward=25_100.0, years=years)
    assert below == pytest.approx(closed_flip(24_000.0, 25_000.0, 1.0, 0.13, years), rel=1e-9)
    assert above == pytest.approx(closed_flip(25_000.0, 26_000.0, 1.0, 0.13, years), rel=1e-9)


def test_a_bump_narrower_than_the_even_grid_is_found_by_its_strike() -> None:
    # Five seconds to go, gamma reaches some two rupees to each side; even points lie 25 rupees apart.
    strikes, years = np.array([24_990.0, 25_000.0, 25_010.0]), 5 / (365 * 86_400)
    oi = np.array([[1000.0, 0.0, 1000.0], [0.0, 1000.0, 0.0]])
    found = gamma_flip(strikes, np.full(3, 0.13), oi, forward=25_013.0, years=years)
    assert found == pytest.approx(closed_flip(25_000.0, 25_010.0, 1.0, 0.13, years), rel=1e-12)


def test_without_a_change_of_sign_there_is_no_flip() -> None:
    calls_only = np.array([OI[0], np.zeros(5)])
    assert math.isnan(gamma_flip(STRIKES, SIGMA, calls_only, forward=FORWARD, years=YEARS))
    balanced = np.array([OI[0], OI[0]])
    assert math.isnan(gamma_flip(STRIKES, SIGMA, balanced, forward=FORWARD, years=YEARS))
    far = STRIKES * 2  # its flip lies beyond 1.10 of the forward
    assert math.isnan(gamma_flip(far, SIGMA, OI, forward=FORWARD, years=YEARS))


@pytest.mark.parametrize("missing", ["forward", "years", "sigma", "oi"])
def test_what_is_not_known_has_no_flip(missing: str) -> None:
    sigma = np.full(5, NAN) if missing == "sigma" else SIGMA
    oi = np.full((2, 5), NAN) if missing == "oi" else OI
    forward, years = NAN if missing == "forward" else FORWARD, NAN if missing == "years" else YEARS
    assert math.isnan(gamma_flip(STRIKES, sigma, oi, forward=forward, years=years))


def net_gamma(forward: Floats, sigma: Floats, weight: Floats, years: float) -> tuple[Floats, Floats]:
    """Σ weight·n(d₁)/(σ√T·F), and the sum of the terms' sizes, at each forward."""
    s = sigma * math.sqrt(years)
    d1 = np.log(forward[:, None] / STRIKES) / s + s / 2
    terms = weight * np.exp(-d1 * d1 / 2) / (s * forward[:, None])
    return terms.sum(axis=1), np.abs(terms).sum(axis=1)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=10, max_size=10),
    st.floats(24_700, 25_300),
    st.sampled_from([0.02 / 365, 0.3 / 365, 1 / 365, 5 / 365, 30 / 365]),
)
def test_the_flip_is_a_zero_and_no_change_of_sign_is_nearer(lots: list[int], forward: float, years: float) -> None:
    oi = np.array(lots, dtype=np.float64).reshape(2, 5) * 65
    weight = oi[0] - oi[1]
    found = gamma_flip(STRIKES, SIGMA, oi, forward=forward, years=years)
    reach = 0.1 * forward if math.isnan(found) else abs(found - forward) * (1 - 1e-9)
    scan = forward + np.linspace(-reach, reach, 2001)
    value, size = net_gamma(scan, SIGMA, weight, years)
    clear = value[np.abs(value) > 1e-9 * size]
    assert (clear > 0).all() or (clear < 0).all()
    if not math.isnan(found):
        sides, _ = net_gamma(found * np.array([1 - 1e-10, 1 + 1e-10]), SIGMA, weight, years)
        assert sides[0] * sides[1] <= 0
