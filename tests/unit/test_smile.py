"""The smile: points, 25-delta strikes against the normal distribution and a dense scan, measures, expected move."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fo_analytics.domain import smile as smiles
from fo_analytics.domain.pricing import greeks
from fo_analytics.domain.smile import (
    Smile,
    smile_measures,
    straddle,
    strike_at_delta,
    strike_volatility,
    volatility_at,
)

Floats = NDArray[np.float64]
NAN = math.nan
FORWARD, YEARS = 25_013.0, 9 / 365
STRIKES = np.arange(23_000.0, 27_001.0, 100.0)
QUARTER = NormalDist().inv_cdf(0.75)  # 0.67449


def flat(sigma: float = 0.14, years: float = YEARS) -> Smile:
    """A smile without one."""
    return smiles.smile(STRIKES, np.full((2, STRIKES.size), sigma), forward=FORWARD, years=years)


def skewed(slope: float = -0.4) -> Smile:
    """Volatility linear in ln K: the interpolation is then the smile itself."""
    iv = 0.14 + slope * np.log(STRIKES / FORWARD)
    return smiles.smile(STRIKES, np.stack([iv, iv]), forward=FORWARD, years=YEARS)


def test_each_strike_shows_the_side_out_of_the_money() -> None:
    strike = np.array([24_900.0, 25_000.0, 25_013.0, 25_100.0])
    iv = np.array([[0.21, 0.22, 0.23, 0.24], [0.11, NAN, 0.13, NAN]])
    found = smiles.smile(strike, iv, forward=25_013.0, years=YEARS)
    np.testing.assert_array_equal(found.sigma, [0.11, NAN, 0.13, 0.24])  # a strike at the forward: the put
    np.testing.assert_array_equal(strike_volatility(strike, iv, 25_013.0), [0.11, 0.22, 0.13, 0.24])
    assert (found.atm_strike, found.atm_iv) == (25_013.0, 0.13)
    assert smiles.smile(strike, iv, forward=24_990.0, years=YEARS).atm_iv == 0.22


def test_the_volatility_at_the_money_may_be_the_other_sides_but_a_point_may_not() -> None:
    iv = np.array([[0.15, 0.16], [NAN, 0.14]])
    found = smiles.smile(np.array([25_000.0, 25_100.0]), iv, forward=25_013.0, years=YEARS)
    assert found.atm_iv == 0.15
    np.testing.assert_array_equal(found.sigma, [NAN, 0.16])


def test_without_a_forward_nothing_is_known() -> None:
    found = smiles.smile(STRIKES, np.full((2, STRIKES.size), 0.14), forward=NAN, years=YEARS)
    assert np.isnan([found.atm_iv, found.atm_strike, strike_at_delta(found, 0.25)]).all()
    assert np.isnan(found.sigma).all()
    assert np.isnan(smile_measures(found)).all()
    empty = smiles.smile(np.empty(0), np.empty((2, 0)), forward=FORWARD, years=YEARS)
    assert np.isnan(smile_measures(empty)).all()


def test_strikes_that_do_not_ascend_raise() -> None:
    with pytest.raises(ValueError, match="ascend"):
        smiles.smile(np.array([2.0, 1.0]), np.ones((2, 2)), forward=1.0, years=1.0)


def test_between_strikes_volatility_is_linear_in_the_logarithm_and_ends_where_they_end() -> None:
    strike = np.array([100.0, 110.0, 121.0, 133.1])
    iv = np.array([[NAN, NAN, 0.2, 0.3], [0.5, NAN, NAN, NAN]])
    found = smiles.smile(strike, iv, forward=105.0, years=1.0)
    # 110 has no point: it lies half way, in ln K, from 100 to 121.
    wanted = np.log(np.array([99.9, 110.0, 121 * math.sqrt(1.1), 133.2]) / 105.0)
    np.testing.assert_allclose(volatility_at(found, wanted), [NAN, 0.35, 0.25, NAN])


@pytest.mark.parametrize("years", [1 / 365, 9 / 365, 30 / 365])
def test_the_25_delta_strikes_of_a_flat_smile_are_known(years: float) -> None:
    s = 0.14 * math.sqrt(years)
    assert strike_at_delta(flat(years=years), 0.25) == pytest.approx(
        FORWARD * math.exp(QUARTER * s + s * s / 2), rel=1e-13
    )
    assert strike_at_delta(flat(years=years), -0.25) == pytest.approx(
        FORWARD * math.exp(-QUARTER * s + s * s / 2), rel=1e-13
    )


def test_a_strike_on_the_ladder_is_found_there() -> None:
    d1 = math.log(FORWARD / 25_400.0) / (0.14 * math.sqrt(YEARS)) + 0.07 * math.sqrt(YEARS)
    assert strike_at_delta(flat(), NormalDist().cdf(d1)) == pytest.approx(25_400.0, rel=1e-13)


@pytest.mark.parametrize("slope", [-0.6, 0.0, 0.5])
@pytest.mark.parametrize("delta", [0.25, -0.25, 0.4, -0.1])
def test_the_pricer_gives_the_delta_back(slope: float, delta: float) -> None:
    smile = skewed(slope)
    strike = strike_at_delta(smile, delta)
    sigma = 0.14 + slope * math.log(strike / FORWARD)
    found = greeks(FORWARD, strike, YEARS, sigma, delta > 0, rate=0.065).delta
    assert float(found) == pytest.approx(delta, abs=1e-12)


def test_wings_that_do_not_reach_have_no_strike() -> None:
    iv = np.full((2, 3), 0.14)
    narrow = smiles.smile(np.array([24_900.0, 25_000.0, 25_100.0]), iv, forward=FORWARD, years=30 / 365)
    found = smile_measures(narrow)
    assert found.atm_iv == 0.14
    assert np.isnan(found[1:]).all()
    calls_only = np.stack([np.full(STRIKES.size, 0.14), np.full(STRIKES.size, NAN)])
    half = smile_measures(smiles.smile(STRIKES, calls_only, forward=FORWARD, years=YEARS))
    assert half.call_iv == pytest.approx(0.14)
    assert np.isnan([half.put_iv, half.risk_reversal, half.butterfly, half.skew_slope]).all()
    assert math.isnan(strike_at_delta(flat(years=NAN), 0.25))


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, 25.0, NAN])
def test_what_is_no_delta_raises(delta: float) -> None:
    with pytest.raises(ValueError, match="delta"):
        strike_at_delta(flat(), delta)


def test_measures_of_a_smile_that_is_linear_in_the_logarithm() -> None:
    found = smile_measures(skewed(-0.4))
    # Both on the line: the slope is the line's, the reversal what it falls by between the two strikes.
    assert found.skew_slope == pytest.approx(-0.4, rel=1e-12)
    assert found.risk_reversal == pytest.approx(-0.4 * math.log(found.call_strike / found.put_strike), rel=1e-12)
    centre = math.log(math.sqrt(found.call_strike * found.put_strike) / FORWARD)
    atm = 0.14 - 0.4 * math.log(25_000 / FORWARD)
    assert found.butterfly == pytest.approx(0.14 - 0.4 * centre - atm, rel=1e-9)


def test_puts_dearer_than_calls_are_a_negative_reversal_and_dear_wings_a_positive_butterfly() -> None:
    y = np.log(STRIKES / FORWARD)
    iv = np.stack([0.14 - 0.3 * y + 4 * y * y] * 2)
    found = smile_measures(smiles.smile(STRIKES, iv, forward=FORWARD, years=YEARS))
    assert found.put_strike < FORWARD < found.call_strike
    assert found.risk_reversal < 0
    assert found.butterfly > 0


@settings(deadline=None)
@given(
    st.lists(st.floats(0.05, 0.6), min_size=9, max_size=9),
    st.sampled_from([1 / 365, 9 / 365, 60 / 365, 1.0]),
    st.sampled_from([0.25, -0.25]),
)
def test_on_any_smile_the_root_is_exact_and_the_nearest(points: list[float], years: float, delta: float) -> None:
    strike = FORWARD * np.exp(np.linspace(-0.4, 0.4, 9))
    smile = smiles.smile(strike, np.stack([points, points]), forward=FORWARD, years=years)
    found = strike_at_delta(smile, delta)

    def delta_at(x: Floats) -> Floats:
        s = np.interp(x, np.log(strike), points) * math.sqrt(years)
        d1 = (math.log(FORWARD) - x) / s + s / 2
        side = math.copysign(1, delta)
        return np.array([side * math.erfc(-side * one / math.sqrt(2)) / 2 for one in d1])

    if math.isnan(found):
        reach = math.log(strike[-1] / FORWARD)
    else:
        assert delta_at(np.array([math.log(found)]))[0] == pytest.approx(delta, abs=1e-10)
        reach = abs(math.log(found / FORWARD)) * (1 - 1e-9)
    nearer = delta_at(math.log(FORWARD) + np.linspace(-reach, reach, 401)) - delta
    assert (nearer > 0).all() or (nearer < 0).all()


def test_the_straddle_is_call_plus_put_at_the_money() -> None:
    strike = np.array([24_900.0, 25_000.0, 25_100.0])
    mark = np.array([[180.0, 112.5, 60.0], [70.0, 99.45, NAN]])
    assert straddle(strike, mark, forward=25_013.0) == pytest.approx(211.95)
    assert math.isnan(straddle(strike, mark, forward=25_090.0))
    assert math.isnan(straddle(strike, mark, forward=NAN))
    assert math.isnan(straddle(np.empty(0), np.empty((2, 0)), forward=25_013.0))


def test_the_expected_move_is_85_per_cent_of_the_straddle_or_a_standard_deviation() -> None:
    np.testing.assert_allclose(smiles.expected_move([200.0, NAN]), [170.0, NAN])
    # 25,000 · 16 % · √(1/100) = 400.
    found = smiles.expected_move_by_volatility(25_000.0, [0.16, NAN, 0.16], [0.01, 0.01, -1.0])
    np.testing.assert_allclose(found, [400.0, NAN, NAN])
