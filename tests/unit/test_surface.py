"""Term structure and surface: known functions given back, and arbitrage that is put in by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fo_analytics.domain.smile import Smile, smile
from fo_analytics.domain.surface import (
    butterfly_arbitrage,
    calendar_arbitrage,
    smile_butterfly_arbitrage,
    surface,
    term_structure,
    total_variance,
)

Floats = NDArray[np.float64]
NAN = math.nan
X = np.linspace(-0.2, 0.2, 41)
GRID = np.array([-0.1, -0.013, 0.0, 0.07, 0.1])


def made(sigma: Floats | float, years: float, forward: float = 25_000.0) -> Smile:
    """A smile with these volatilities at X."""
    iv = np.broadcast_to(np.asarray(sigma, dtype=np.float64), (2, X.size))
    return smile(forward * np.exp(X), iv, forward=forward, years=years)


def test_forward_variance_is_what_lies_between_two_expiries() -> None:
    found = term_structure([made(0.20, 0.1, 25_100.0), made(0.15, 0.4, 25_400.0)])
    np.testing.assert_allclose(found.total_variance, [0.004, 0.009])
    # 0.004 / 0.1, then 0.005 / 0.3.
    np.testing.assert_allclose(found.forward_variance, [0.04, 0.005 / 0.3])
    np.testing.assert_allclose(found.forward_iv, [0.2, math.sqrt(0.005 / 0.3)])
    np.testing.assert_array_equal(found.forward, [25_100.0, 25_400.0])
    np.testing.assert_array_equal(found.years, [0.1, 0.4])


def test_an_expiry_without_volatility_is_stepped_over() -> None:
    found = term_structure([made(0.20, 0.1), made(NAN, 0.2), made(0.15, 0.4)])
    np.testing.assert_allclose(found.forward_variance, [0.04, NAN, 0.005 / 0.3])


def test_variance_that_falls_is_shown_and_has_no_root() -> None:
    found = term_structure([made(0.30, 0.1), made(0.10, 0.2)])
    np.testing.assert_allclose(found.forward_variance, [0.09, -0.07])
    np.testing.assert_allclose(found.forward_iv, [0.3, NAN])


@pytest.mark.parametrize("years", [(0.1, 0.1), (0.2, 0.1), (0.0, 0.1), (NAN, 0.1), (0.1, NAN)])
def test_expiries_that_do_not_ascend_raise(years: tuple[float, float]) -> None:
    chains = [made(0.14, one) for one in years]
    for question in (term_structure, lambda s: surface(s, GRID), lambda s: calendar_arbitrage(s, GRID)):
        with pytest.raises(ValueError, match="ascend"):
            question(chains)


def test_at_listed_expiries_the_surface_is_the_smiles() -> None:
    chains = [made(0.14 - 0.2 * X, 0.1), made(0.16 - 0.1 * X, 0.4, 26_000.0)]
    found = surface(chains, GRID)
    np.testing.assert_allclose(found.sigma, [0.14 - 0.2 * GRID, 0.16 - 0.1 * GRID])
    np.testing.assert_allclose(found.total_variance, found.sigma**2 * [[0.1], [0.4]])
    np.testing.assert_array_equal(found.log_moneyness, [GRID, GRID])


def test_between_expiries_total_variance_is_linear_in_time() -> None:
    found = surface([made(0.20, 0.1), made(0.15, 0.4), made(0.15, 0.6)], [0.05], years=[0.25, 0.1, 0.5, 0.6])
    # Half way from 0.004 to 0.009; an expiry itself; along a constant volatility.
    np.testing.assert_allclose(found.total_variance[:, 0], [0.0065, 0.004, 0.01125, 0.0135])
    np.testing.assert_allclose(found.sigma[:, 0], [math.sqrt(0.026), 0.2, 0.15, 0.15])


def test_nothing_is_extrapolated() -> None:
    chains = [made(0.20, 0.1), made(0.15, 0.4)]
    assert np.isnan(surface(chains, GRID, years=[0.05, 0.41, 0.0, NAN]).sigma).all()
    assert np.isnan(surface(chains, [-0.3, 0.3]).sigma).all()
    one_sided = made(np.where(X > 0.05, NAN, 0.2), 0.1)
    found = surface([one_sided, chains[1]], [0.0, 0.1], years=[0.1, 0.2, 0.4])
    assert np.isnan(found.sigma).tolist() == [[False, True], [False, True], [False, False]]
    assert surface([], GRID).sigma.shape == (0, GRID.size)
    assert np.isnan(surface([], GRID, years=[0.1]).sigma).all()


def test_standard_deviations_are_only_another_place_to_look() -> None:
    chains = [made(0.20 - 0.3 * X, 0.1), made(0.15 - 0.1 * X, 0.4)]
    years = np.array([0.1, 0.2, 0.4])
    found = surface(chains, [-1.0, 0.0, 0.5], years=years, standardised=True)
    # At the money 0.004 and 0.009, linear between: a third of the way 0.017 / 3.
    deviation = np.sqrt([0.004, 0.017 / 3, 0.009])
    np.testing.assert_allclose(found.log_moneyness, np.outer(deviation, [-1.0, 0.0, 0.5]))
    for row, year in enumerate(years):
        plain = surface(chains, found.log_moneyness[row], years=[year])
        np.testing.assert_array_equal(found.sigma[row], plain.sigma[0])


def test_total_variance_that_falls_with_time_is_flagged_where_it_falls() -> None:
    early, late = made(0.20 - 0.5 * X, 0.10), made(0.17, 0.14, 26_000.0)
    found = calendar_arbitrage([early, late], GRID)
    falls = (0.20 - 0.5 * GRID) ** 2 * 0.10 > 0.17**2 * 0.14
    assert falls.any()
    assert not falls.all()
    np.testing.assert_array_equal(found, [np.zeros(GRID.size, dtype=bool), falls])


def test_an_expiry_is_compared_with_every_earlier_one_that_is_known() -> None:
    dear, cheap, unknown, later = made(0.4, 0.1), made(0.1, 0.2), made(NAN, 0.3), made(0.15, 0.4)
    found = calendar_arbitrage([dear, cheap, unknown, later], [0.0])
    assert found[:, 0].tolist() == [False, True, False, True]


def test_equal_total_variance_is_no_arbitrage() -> None:
    assert not calendar_arbitrage([made(0.2, 0.1), made(0.2 / math.sqrt(3), 0.3)], GRID).any()
    assert calendar_arbitrage([], GRID).shape == (0, GRID.size)


volatilities = st.lists(st.floats(0.05, 0.6) | st.just(NAN), min_size=1, max_size=6)


@given(volatilities)
def test_calendar_flags_agree_with_every_pair(sigmas: list[float]) -> None:
    chains = [made(sigma, 0.1 * (1 + n)) for n, sigma in enumerate(sigmas)]
    found = calendar_arbitrage(chains, [0.0], tolerance=1e-9)
    w = [float(total_variance(one, 0.0)) for one in chains]
    pairs = [any(w[late] < w[early] - 1e-9 for early in range(late)) for late in range(len(w))]
    assert found[:, 0].tolist() == pairs


def test_an_option_above_the_line_between_its_neighbours_is_flagged() -> None:
    strike = np.array([24_900.0, 25_000.0, 25_200.0, 25_300.0, 25_400.0])
    # The line from 200 to 60 is at 153.33 at 25,000; a rupee more is too dear, and then 25,200 is cheap, not dear.
    convex = np.array([200.0, 140.0, 60.0, 40.0, 25.0])
    assert not butterfly_arbitrage(strike, convex).any()
    dear = np.array([200.0, 154.34, 60.0, 40.0, 25.0])
    assert butterfly_arbitrage(strike, dear).tolist() == [False, True, False, False, False]
    assert not butterfly_arbitrage(strike, dear, tolerance=1.01).any()


def test_a_straight_line_is_no_arbitrage_and_unknown_prices_are_stepped_over() -> None:
    strike = np.array([24_900.0, 25_000.0, 25_200.0, 25_300.0, 25_400.0])
    assert not butterfly_arbitrage(strike, 30_000.0 - strike).any()
    found = butterfly_arbitrage(strike, np.array([200.0, NAN, 150.0, NAN, 25.0]))
    assert found.tolist() == [False, False, True, False, False]
    for known in range(3):
        few = np.where(np.arange(5) < known, 10.0, NAN)
        assert not butterfly_arbitrage(strike, few).any()


@given(
    st.lists(st.integers(0, 30) | st.none(), min_size=3, max_size=8),
    st.lists(st.integers(1, 3), min_size=8, max_size=8),
)
def test_butterfly_flags_agree_with_the_butterflies_of_neighbours(prices: list[int | None], steps: list[int]) -> None:
    strikes = np.cumsum(steps[: len(prices)])
    found = butterfly_arbitrage(strikes.astype(np.float64), np.array([NAN if p is None else p for p in prices], float))
    known = [(int(k), p) for k, p in zip(strikes, prices, strict=True) if p is not None]
    dear = set()
    for (low, a), (middle, b), (high, c) in zip(known, known[1:], known[2:], strict=False):
        # high - middle of the lower, middle - low of the upper, against high - low of the middle: whole numbers.
        if (high - middle) * a + (middle - low) * c < (high - low) * b:
            dear.add(middle)
    assert [int(k) for k, flag in zip(strikes, found, strict=True) if flag] == sorted(dear)


def test_a_flat_smile_has_no_butterfly_to_give_away_and_a_spike_has() -> None:
    assert not smile_butterfly_arbitrage(made(0.14, 0.1)).any()
    spiked = np.full(X.size, 0.14)
    spiked[24] = 0.18
    assert np.flatnonzero(smile_butterfly_arbitrage(made(spiked, 0.1))).tolist() == [24]
