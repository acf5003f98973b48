"""Bad input: a NaN and a reason for each bad element, an error only where shapes do not match."""

import numpy as np
import pytest

from fo_analytics.domain.pricing import Reason, evaluate, greeks, implied_volatility, price

NAN, INFINITY = float("nan"), float("inf")


def reason_of(
    quote: float, *, forward: float = 100.0, strike: float = 90.0, years: float = 0.1, is_call: bool = True
) -> Reason:
    """The reason of one option that has no implied volatility."""
    sigma, reason = implied_volatility(quote, forward, strike, years, is_call, rate=0.065)
    assert np.isnan(sigma)
    return Reason(int(reason))


def test_the_codes_of_reasons_are_the_stored_ones() -> None:
    assert {reason.name.lower(): reason.value for reason in Reason} == {
        "none": 0, "no_price": 1, "below_intrinsic": 2, "above_maximum": 3, "no_time_value": 4, "expired": 5,
        "stale": 6, "no_spot": 7,
    }  # fmt: skip


def test_an_absent_price_is_no_price() -> None:
    assert reason_of(NAN) is Reason.NO_PRICE


@pytest.mark.parametrize(("is_call", "strike"), [(True, 90.0), (False, 110.0)])
def test_a_price_under_the_discounted_intrinsic_value_is_below_intrinsic(is_call: bool, strike: float) -> None:
    intrinsic = 10 * np.exp(-0.0065)
    assert reason_of(intrinsic - 1e-9, strike=strike, is_call=is_call) is Reason.BELOW_INTRINSIC
    assert implied_volatility(intrinsic + 1e-9, 100.0, strike, 0.1, is_call, rate=0.065)[1] == Reason.NONE


def test_a_negative_price_is_below_intrinsic_on_either_side_of_the_money() -> None:
    assert reason_of(-0.05, strike=90) is Reason.BELOW_INTRINSIC
    assert reason_of(-0.05, strike=110) is Reason.BELOW_INTRINSIC


@pytest.mark.parametrize(("is_call", "strike", "most"), [(True, 90.0, 100.0), (False, 110.0, 110.0)])
def test_a_call_worth_the_forward_and_a_put_worth_its_strike_are_above_the_maximum(
    is_call: bool, strike: float, most: float
) -> None:
    discounted = most * np.exp(-0.0065)
    assert reason_of(discounted * (1 + 1e-15), strike=strike, is_call=is_call) is Reason.ABOVE_MAXIMUM
    assert reason_of(INFINITY, strike=strike, is_call=is_call) is Reason.ABOVE_MAXIMUM


def test_exactly_intrinsic_value_is_no_time_value() -> None:
    assert reason_of(10 * np.exp(-0.0065), strike=90) is Reason.NO_TIME_VALUE
    assert reason_of(0.0, strike=110) is Reason.NO_TIME_VALUE


def test_intrinsic_value_but_for_rounding_is_no_time_value() -> None:
    strikes, years = np.arange(80.0, 99.5, 0.05), 0.1234
    quotes = np.exp(-0.065 * years) * (100 - strikes)
    assert ((quotes * np.exp(0.065 * years) - (100 - strikes)) != 0).any()
    _, reason = implied_volatility(quotes, 100.0, strikes, years, True, rate=0.065)
    assert set(reason) == {Reason.NO_TIME_VALUE}


def test_a_strike_hundreds_of_powers_of_ten_away_has_a_reason() -> None:
    strikes = 10.0 ** np.arange(3, 300, 3)
    sigma, reason = implied_volatility(1 - 1e-10, 1.0, strikes, 1.0, True)
    assert not reason[0]
    assert reason[-1]
    np.testing.assert_array_equal(np.isnan(sigma), reason != Reason.NONE)


@pytest.mark.parametrize("years", [0.0, -1.0, NAN, INFINITY])
def test_no_time_left_is_expired_whatever_else_is_wrong(years: float) -> None:
    assert reason_of(12.0, years=years) is Reason.EXPIRED
    assert reason_of(NAN, forward=NAN, years=years) is Reason.EXPIRED


@pytest.mark.parametrize("forward", [0.0, -1.0, NAN, INFINITY])
def test_no_forward_is_no_spot(forward: float) -> None:
    assert reason_of(12.0, forward=forward) is Reason.NO_SPOT


@pytest.mark.parametrize("bad", [0.0, -1.0, NAN, INFINITY])
@pytest.mark.parametrize("position", range(4))
def test_prices_and_greeks_of_bad_input_are_nan_throughout(position: int, bad: float) -> None:
    inputs = [100.0, 90.0, 0.1, 0.2]
    inputs[position] = bad
    forward, strike, years, sigma = inputs
    assert np.isnan(price(forward, strike, years, sigma, True))
    assert np.isnan(greeks(forward, strike, years, sigma, True)).all()


def test_a_rate_that_is_no_number_gives_nan_throughout() -> None:
    assert np.isnan(greeks(100.0, 90.0, 0.1, 0.2, True, rate=NAN)).all()
    assert implied_volatility(12.0, 100.0, 90.0, 0.1, True, rate=NAN)[1] == Reason.NO_PRICE


def test_a_bad_element_leaves_its_neighbours_alone() -> None:
    quotes = np.array([12.0, NAN, 12.0])
    forwards = np.array([100.0, 100.0, 0.0])
    result = evaluate(quotes, forwards, 90.0, 0.1, True, rate=0.065)
    alone = evaluate(12.0, 100.0, 90.0, 0.1, True, rate=0.065)
    assert result.reason.tolist() == [Reason.NONE, Reason.NO_PRICE, Reason.NO_SPOT]
    assert result.sigma[0] == alone.sigma
    for row, single in zip(result.greeks, alone.greeks, strict=True):
        assert row[0] == single
        assert np.isnan(row[1:]).all()


def test_shapes_that_do_not_match_raise_value_error() -> None:
    two, three = np.full(2, 100.0), np.full(3, 100.0)
    for function in (price, greeks, implied_volatility, evaluate):
        with pytest.raises(ValueError, match="shape"):
            function(two, three, 0.1, 0.2, True)


def test_scalars_and_rows_broadcast_as_in_numpy() -> None:
    strikes, is_call = np.array([90.0, 100.0, 110.0]), np.array([[True], [False]])
    chain = price(100.0, strikes, 0.1, 0.2, is_call)
    assert chain.shape == (2, 3)
    for row, side in zip(chain, (True, False), strict=True):
        for value, strike in zip(row, strikes, strict=True):
            assert value == price(100, strike, 0.1, 0.2, side)
    sigma, reason = implied_volatility(chain, 100.0, strikes, 0.1, is_call)
    assert sigma.shape == reason.shape == (2, 3)
    np.testing.assert_allclose(sigma, 0.2, rtol=1e-13)


def test_no_options_at_all_is_an_empty_answer() -> None:
    empty = np.empty(0)
    assert price(100.0, empty, 0.1, 0.2, True).shape == (0,)
    assert evaluate(empty, 100.0, empty, 0.1, True).reason.shape == (0,)


def test_the_types_of_the_answer_are_float64_and_uint8() -> None:
    result = evaluate([12, 13], 100, [90, 91], 1, [1, 0])
    assert result.sigma.dtype == np.float64
    assert result.reason.dtype == np.uint8
    assert all(row.dtype == np.float64 for row in result.greeks)
