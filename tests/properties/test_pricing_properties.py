"""What holds for every option: parity, monotonicity, derivatives, round trips, the last minute."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fo_analytics.domain.pricing import Reason, evaluate, greeks, implied_volatility, price

SECOND = 1 / (365 * 86_400)
RATE = 0.065

sides = st.booleans()
rates = st.sampled_from([0.0, 0.065, 0.1])
forwards = st.floats(math.log(10), math.log(100_000)).map(math.exp)
sigmas = st.floats(math.log(0.01), math.log(5)).map(math.exp)
times = st.floats(math.log(SECOND), math.log(5)).map(math.exp)
moneyness = st.floats(-3, 3)
deviations = st.floats(-6, 6)  # ln(K/F) in units of sigma sqrt(T)


def strike_at(forward: float, sigma: float, years: float, deviation: float) -> float:
    """The strike so many deviations from the forward, within the domain."""
    return forward * math.exp(min(max(deviation * sigma * math.sqrt(years), -3.0), 3.0))


@given(forwards, moneyness, times, sigmas, rates)
def test_call_less_put_is_the_discounted_forward_less_the_strike(
    forward: float, x: float, years: float, sigma: float, rate: float
) -> None:
    strike = forward * math.exp(x)
    call, put = price(forward, strike, years, sigma, [True, False], rate=rate)
    expected = math.exp(-rate * years) * (forward - strike)
    assert abs(call - put - expected) <= 1e-14 * (call + put)


@given(forwards, moneyness, times, sigmas, sides)
def test_a_price_lies_between_intrinsic_value_and_the_most_an_option_can_be_worth(
    forward: float, x: float, years: float, sigma: float, is_call: bool
) -> None:
    strike = forward * math.exp(x)
    value = price(forward, strike, years, sigma, is_call)
    assert max(forward - strike if is_call else strike - forward, 0) <= value
    assert value <= (forward if is_call else strike)


@given(forwards, deviations, times, sigmas, st.floats(1e-6, 2), sides)
def test_more_volatility_is_never_worth_less(
    forward: float, deviation: float, years: float, sigma: float, more: float, is_call: bool
) -> None:
    strike = strike_at(forward, sigma, years, deviation)
    low, high = price(forward, strike, years, [sigma, sigma * (1 + more)], is_call)
    assert high >= low * (1 - 1e-13)


@given(forwards, times, sigmas, st.floats(-2.9, 2.9), st.floats(1e-3, 0.1))
def test_calls_fall_and_are_convex_in_the_strike(
    forward: float, years: float, sigma: float, x: float, step: float
) -> None:
    strikes = forward * math.exp(x) * (1 + step * np.array([-1, 0, 1]))
    low, middle, high = price(forward, strikes, years, sigma, True)
    rounding = 1e-13 * low
    assert low + rounding >= middle >= high - rounding
    assert low - 2 * middle + high >= -2 * rounding


@given(forwards, deviations, times, sigmas, sides, st.floats(0.001, 1000))
def test_doubling_forward_and_strike_doubles_the_price(
    forward: float, deviation: float, years: float, sigma: float, is_call: bool, factor: float
) -> None:
    strike = strike_at(forward, sigma, years, deviation)
    one = price(forward, strike, years, sigma, is_call)
    other = price(factor * forward, factor * strike, years, sigma, is_call)
    # The quotient of rounded products may differ by a unit in the last place: six deviations away that tells.
    slack = 1e-15 / (sigma * math.sqrt(years)) * 10
    assert abs(other / factor - one) <= (1e-12 + slack) * one


@given(forwards, deviations, times, sigmas)
def test_a_call_is_the_put_of_the_exchanged_forward_and_strike(
    forward: float, deviation: float, years: float, sigma: float
) -> None:
    strike = strike_at(forward, sigma, years, deviation)
    call = price(forward, strike, years, sigma, True)
    put = price(strike, forward, years, sigma, False)
    slack = 1e-15 / (sigma * math.sqrt(years)) * 10
    assert abs(call - put) <= (1e-12 + slack) * call


@given(forwards, deviations, times, sigmas, rates, sides)
def test_the_volatility_behind_a_price_comes_back(
    forward: float, deviation: float, years: float, sigma: float, rate: float, is_call: bool
) -> None:
    strike = strike_at(forward, sigma, years, deviation)
    values = greeks(forward, strike, years, sigma, is_call, rate=rate)
    found, reason = implied_volatility(values.price, forward, strike, years, is_call, rate=rate)
    if 100 * values.vega * sigma * 1e-8 > 8 * np.spacing(values.price):
        assert reason == Reason.NONE
        assert abs(found - sigma) <= 1e-8 * sigma


@given(forwards, deviations, st.floats(1, 3600), sigmas, sides)
def test_a_different_price_in_the_last_hour_means_a_different_volatility(
    forward: float, deviation: float, seconds: float, sigma: float, is_call: bool
) -> None:
    years = seconds * SECOND
    strike = strike_at(forward, sigma, years, deviation)
    quotes = price(forward, strike, years, [sigma, 1.01 * sigma], is_call)
    (low, high), reason = implied_volatility(quotes, forward, strike, years, is_call)
    if not reason.any() and quotes[1] - quotes[0] > 100 * np.spacing(quotes[1]):
        assert low < high


anything = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


@given(st.lists(st.tuples(anything, anything, anything, anything, sides), min_size=1, max_size=8), anything)
@settings(max_examples=200)
def test_whatever_comes_in_a_number_or_a_reason_comes_out(
    rows: list[tuple[float, float, float, float, bool]], rate: float
) -> None:
    quote, forward, strike, years, is_call = np.array(rows).T
    result = evaluate(quote, forward, strike, years, is_call, rate=rate)
    np.testing.assert_array_equal(np.isnan(result.sigma), result.reason != Reason.NONE)
    assert (result.sigma[result.reason == Reason.NONE] > 0).all()
    assert (result.reason <= max(Reason)).all()


def of_spot(spot: float, strike: float, years: float, sigma: float, is_call: bool, rate: float) -> NDArray[np.float64]:
    """Price, delta and vega at a spot, for derivatives in which the forward moves along."""
    values = greeks(spot * math.exp(rate * years), strike, years, sigma, is_call, rate=rate)
    return np.array([values.price, values.delta, values.vega])


@given(
    st.floats(50, 50_000), st.floats(-2.5, 2.5), st.floats(0.02, 2), st.floats(0.05, 1), rates, sides
)  # fmt: skip
def test_every_greek_is_the_difference_quotient_it_stands_for(
    spot: float, deviation: float, years: float, sigma: float, rate: float, is_call: bool
) -> None:
    total = sigma * math.sqrt(years)
    strike = spot * math.exp(rate * years + deviation * total)
    exact = greeks(spot * math.exp(rate * years), strike, years, sigma, is_call, rate=rate)

    def quotient(index: int, step: float, unit: float) -> NDArray[np.float64]:
        """Fourth-order central difference of (price, delta, vega) in one of spot, years, sigma, rate."""

        def shifted(k: int) -> NDArray[np.float64]:
            point = [spot, years, sigma, rate]
            point[index] += k * step
            return of_spot(point[0], strike, point[1], point[2], is_call, point[3])

        return (8 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / (12 * step) * unit

    in_spot = quotient(0, 1e-3 * total * spot, 1)
    in_time = quotient(1, 1e-3 * years, -1 / 365)
    in_sigma = quotient(2, 1e-3 * sigma, 0.01)
    in_rate = quotient(3, 1e-3 * min(total, 1.0), 0.01)
    carry = abs(rate) / total + 1 / years
    comparisons = {
        "delta": (in_spot[0], exact.delta, 1.0),
        "gamma": (in_spot[1], exact.gamma, 1 / (spot * total)),
        "theta": (in_time[0], exact.theta, spot * (sigma / math.sqrt(years) + rate) / 365),
        "vega": (in_sigma[0], exact.vega, spot * math.sqrt(years) / 100),
        "rho": (in_rate[0], exact.rho, strike * years / 100),
        "vanna": (in_sigma[1], exact.vanna, 0.01 / sigma),
        "charm": (in_time[1], exact.charm, carry / 365),
        "volga": (in_sigma[2], exact.volga, spot * math.sqrt(years) / (1e4 * sigma)),
    }
    for name, (numeric, analytic, scale) in comparisons.items():
        assert abs(numeric - analytic) <= 1e-6 * scale, name


@given(forwards, st.floats(-4, 4), sigmas, sides)
def test_through_the_last_minute_the_price_falls_smoothly_as_theta_says(
    forward: float, deviation: float, sigma: float, is_call: bool
) -> None:
    step = 0.01
    seconds = np.arange(1.0, 60.0, step)
    strike = strike_at(forward, sigma, 30 * SECOND, deviation)
    values = price(forward, strike, seconds * SECOND, sigma, is_call)
    middle = greeks(forward, strike, (seconds[:-1] + step / 2) * SECOND, sigma, is_call)
    change = np.diff(values)
    expected = -middle.theta * step / 86_400
    rounding = 4 * np.spacing(values[-1])
    np.testing.assert_allclose(change, expected, rtol=1e-3, atol=1e-6 * change.max() + rounding)
    assert (change >= -np.spacing(values[-1])).all()
    for row in middle:
        assert np.isfinite(row).all()


@given(forwards, st.floats(-2, 2), st.floats(0.05, 5), sides)
def test_through_the_last_minute_the_volatility_stays_what_it_was(
    forward: float, deviation: float, sigma: float, is_call: bool
) -> None:
    years = np.arange(1.0, 61.0) * SECOND
    strike = strike_at(forward, sigma, SECOND, deviation)
    quotes = price(forward, strike, years, sigma, is_call)
    found, reason = implied_volatility(quotes, forward, strike, years, is_call)
    assert not reason.any()
    np.testing.assert_allclose(found, sigma, rtol=1e-8)
