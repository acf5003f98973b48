"""Where curves and grids are looked at."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest

from strategies.domain.axes import capped, covering_percent, price_axis, shift_axis, time_axis
from strategies.domain.legs import Kind, Side
from strategies.domain.money import estimate, price_of
from strategies.domain.scenarios import units_beyond
from tests.unit.legs_made import future, leg, option


def test_prices_are_whole_paise_around_the_centre() -> None:
    assert price_axis(25_713.8, percent=10, points=3) == tuple(map(Decimal, ("23142.42", "25713.80", "28285.18")))
    assert price_axis(25_713.8, percent=10, points=1) == (Decimal("25713.80"),)
    assert price_axis(100.0, percent=0, points=2) == (Decimal("100.00"),) * 2


def test_no_price_is_0() -> None:
    assert price_axis(0.004, percent=50, points=2) == (Decimal("0.01"), Decimal("0.01"))


def test_a_range_shows_all_places_with_a_margin_within_limits() -> None:
    assert covering_percent(100, [90, 105]) == pytest.approx(12)
    assert covering_percent(100, [99, 101]) == covering_percent(100, []) == 5
    assert covering_percent(100, [10]) == 50


def test_what_is_capped_says_so() -> None:
    assert (capped(50.0, 50.0), capped(50.1, 50.0)) == ((50.0, False), (50.0, True))


def test_shifts_are_symmetrical() -> None:
    assert shift_axis(4, 5).tolist() == [-4, -2, 0, 2, 4]
    assert shift_axis(4, 1).tolist() == [0]


def test_instants_are_whole_seconds_but_the_first() -> None:
    assert time_axis(1_500, 10_000, 4).tolist() == [1_500, 4_000, 7_000, 10_000]
    assert time_axis(1_500, 1_900, 2).tolist() == [1_500, 1_500]
    with pytest.raises(ValueError, match="before the first"):
        time_axis(2_000, 1_999, 2)


def test_an_estimate_is_rounded_half_to_even_once_and_never_minus_0() -> None:
    assert [str(estimate(value)) for value in (0.125, 0.375, -0.004, 2.675, 1e15 + 0.5)] == [
        "0.12", "0.38", "0.00", "2.67", "1000000000000000.50",
    ]  # fmt: skip
    assert estimate(math.nan) is estimate(math.inf) is None


def test_an_average_price_has_four_decimals_where_it_needs_them() -> None:
    found = [str(price_of(Fraction(value))) for value in ("100.5", "100.0125", "100.00005", "100.00015")]
    assert found == ["100.50", "100.0125", "100.00", "100.0002"]


def test_puts_do_not_matter_far_above_all_strikes() -> None:
    legs = [
        leg(option(Kind.PUT, "25000"), Side.SELL, 3, "10"),
        leg(option(Kind.CALL, "25000", key=2), Side.SELL, 2, "10"),
        leg(future(), Side.BUY, 1, "25000"),
    ]
    assert units_beyond(legs) == -65
