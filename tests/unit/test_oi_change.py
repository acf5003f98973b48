"""Change of open interest, build-up, gainers and losers: against tables written out and plain sorting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.open_interest import (
    BuildUp,
    build_up,
    gainers,
    losers,
    oi_change,
    percent_change,
)

NAN = math.nan


def test_the_change_is_not_the_total_and_unknown_is_not_nought() -> None:
    change = oi_change([1300.0, 650.0, 65.0, NAN], [1000.0, 650.0, NAN, 650.0])
    np.testing.assert_array_equal(change, [300.0, 0.0, NAN, NAN])


def test_the_change_in_per_cent_is_of_the_reference() -> None:
    found = percent_change([1300.0, 500.0, 65.0, 65.0, NAN, 0.0, 1.0], [1000.0, 1000.0, 0.0, NAN, 65.0, 400.0, -1.0])
    np.testing.assert_allclose(found, [30.0, -50.0, NAN, NAN, NAN, -100.0, NAN])


@pytest.mark.parametrize(
    ("price", "oi", "expected"),
    [
        (5.0, 650.0, BuildUp.LONG_BUILD_UP),
        (-5.0, 650.0, BuildUp.SHORT_BUILD_UP),
        (5.0, -650.0, BuildUp.SHORT_COVERING),
        (-5.0, -650.0, BuildUp.LONG_UNWINDING),
        (0.0, 650.0, BuildUp.NONE),
        (5.0, 0.0, BuildUp.NONE),
        (NAN, 650.0, BuildUp.NONE),
        (5.0, NAN, BuildUp.NONE),
    ],
)
def test_the_four_classes_and_none(price: float, oi: float, expected: BuildUp) -> None:
    assert int(build_up(price, oi)) == expected


def test_a_change_of_exactly_the_threshold_does_not_count() -> None:
    price, oi = [0.5, 0.51, -0.5, -0.51, 0.51], [651.0, 651.0, -651.0, -651.0, -650.0]
    found = build_up(price, oi, price_threshold=0.5, oi_threshold=650.0)
    assert found.tolist() == [BuildUp.NONE, BuildUp.LONG_BUILD_UP, BuildUp.NONE, BuildUp.LONG_UNWINDING, BuildUp.NONE]
    assert found.dtype == np.uint8


@pytest.mark.parametrize("threshold", [-1.0, NAN])
def test_a_threshold_below_nought_raises(threshold: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        build_up([1.0], [1.0], price_threshold=threshold)
    with pytest.raises(ValueError, match="thresholds"):
        build_up([1.0], [1.0], oi_threshold=threshold)


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 50), st.floats(0, 50))
def test_turning_both_changes_round_mirrors_the_class(
    price: float, oi: float, least_price: float, least: float
) -> None:
    mirror = {
        BuildUp.NONE: BuildUp.NONE,
        BuildUp.LONG_BUILD_UP: BuildUp.LONG_UNWINDING,
        BuildUp.LONG_UNWINDING: BuildUp.LONG_BUILD_UP,
        BuildUp.SHORT_BUILD_UP: BuildUp.SHORT_COVERING,
        BuildUp.SHORT_COVERING: BuildUp.SHORT_BUILD_UP,
    }
    one = build_up(price, oi, price_threshold=least_price, oi_threshold=least)
    other = build_up(-price, -oi, price_threshold=least_price, oi_threshold=least)
    assert int(other) == mirror[BuildUp(int(one))]


def test_equal_gains_are_ordered_by_strike_and_then_call_before_put() -> None:
    change = [10.0, 30.0, 10.0, 10.0, NAN, 0.0, -5.0]
    strike = [25100.0, 25000.0, 25000.0, 25000.0, 24000.0, 24000.0, 24000.0]
    is_call = [True, False, False, True, True, True, True]
    assert gainers(change, strike, is_call, limit=10).tolist() == [1, 3, 2, 0]
    assert gainers(change, strike, is_call, limit=2).tolist() == [1, 3]
    assert losers(change, strike, is_call, limit=10).tolist() == [6]
    assert gainers(change, strike, is_call, limit=0).tolist() == []
    assert gainers([], [], [], limit=5).tolist() == []


def test_a_limit_below_nought_raises() -> None:
    with pytest.raises(ValueError, match="limit"):
        gainers([1.0], [1.0], [True], limit=-1)


contracts = st.lists(
    st.tuples(st.integers(-3, 3).map(float) | st.just(NAN), st.integers(1, 4).map(float), st.booleans()), max_size=25
)


@given(contracts, st.integers(0, 30))
def test_gainers_and_losers_are_what_plain_sorting_gives(rows: list[tuple[float, float, bool]], limit: int) -> None:
    change, strike, is_call = ([row[column] for row in rows] for column in range(3))

    def order(at: int) -> tuple[float, float, bool, int]:
        return -abs(change[at]), strike[at], not is_call[at], at

    up = sorted((at for at in range(len(rows)) if change[at] > 0), key=order)[:limit]
    down = sorted((at for at in range(len(rows)) if change[at] < 0), key=order)[:limit]
    assert gainers(change, strike, is_call, limit=limit).tolist() == up
    assert losers(change, strike, is_call, limit=limit).tolist() == down
