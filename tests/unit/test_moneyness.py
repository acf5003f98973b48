"""At the money and the ladder around it, against a walk over the strikes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.moneyness import Side, atm_strike, label, level, levels, select_levels, strike_at

NAN = float("nan")
LADDER = [24800.0, 24850.0, 24900.0, 25000.0, 25100.0]  # rungs of 50 below, of 100 above

ladders = st.lists(
    st.integers(min_value=1, max_value=2000).map(lambda n: n * 0.25), min_size=1, max_size=40, unique=True
)
forwards = st.integers(min_value=0, max_value=5000).map(lambda n: n / 8)


@pytest.mark.parametrize(
    ("forward", "strike"),
    [
        (24874.9, 24850.0),
        (24875.0, 24850.0),
        (24875.1, 24900.0),
        (24950.0, 24900.0),
        (24951.0, 25000.0),
        (1.0, 24800.0),
        (99999.0, 25100.0),
    ],
)
def test_at_the_money_is_the_nearest_listed_strike_and_of_two_the_lower(forward: float, strike: float) -> None:
    assert atm_strike(LADDER, forward) == strike


def test_without_strikes_or_forward_nothing_is_at_the_money() -> None:
    assert math.isnan(atm_strike([], 25000.0))
    assert math.isnan(atm_strike(LADDER, NAN))
    assert levels([], NAN).shape == (0,)
    with pytest.raises(ValueError, match="without a forward"):
        levels(LADDER, NAN)
    with pytest.raises(ValueError, match="without a forward"):
        select_levels(LADDER, NAN, 5)


def test_levels_count_listed_strikes_and_not_points() -> None:
    assert levels(LADDER, 24910.0).tolist() == [-2, -1, 0, 1, 2]


def test_levels_are_not_clamped() -> None:
    strikes = [50.0 * n for n in range(1, 301)]
    assert levels(strikes, 50.0)[-1] == 299


def test_levels_keep_the_order_given_and_a_strike_given_twice_is_one_rung() -> None:
    assert levels([25000.0, 24900.0, 24900.0, 24800.0, 25000.0], 24900.0).tolist() == [1, 0, 0, -1, 1]


@pytest.mark.parametrize(
    ("side", "step", "name"),
    [
        ("call", 0, "ATM"),
        ("put", 0, "ATM"),
        ("call", 1, "OTM1"),
        ("call", 12, "OTM12"),
        ("call", -1, "ITM1"),
        ("put", 1, "ITM1"),
        ("put", -1, "OTM1"),
        ("put", -7, "OTM7"),
    ],
)
def test_calls_above_the_money_are_out_of_it_and_puts_mirrored(side: Side, step: int, name: str) -> None:
    assert label(side, step) == name


@pytest.mark.parametrize(
    ("forward", "steps", "strikes"),
    [
        (24910.0, 0, [24900.0]),
        (24910.0, 1, [24850.0, 24900.0, 25000.0]),
        (24910.0, 9, LADDER),
        (24790.0, 1, [24800.0, 24850.0]),
        (25500.0, 1, [25000.0, 25100.0]),
    ],
)
def test_selected_levels_end_where_the_ladder_ends(forward: float, steps: int, strikes: list[float]) -> None:
    assert LADDER[select_levels(LADDER, forward, steps)] == strikes


def test_levels_cannot_be_selected_from_what_is_no_ladder() -> None:
    with pytest.raises(ValueError, match="ascend"):
        select_levels([2.0, 1.0], 1.0, 1)
    with pytest.raises(ValueError, match="ascend"):
        select_levels([1.0, 1.0], 1.0, 1)
    with pytest.raises(ValueError, match="negative"):
        select_levels(LADDER, 25000.0, -1)
    assert LADDER[select_levels([], 25000.0, 3)] == []


@given(ladders, forwards)
def test_at_the_money_agrees_with_a_search(strikes: list[float], forward: float) -> None:
    assert atm_strike(strikes, forward) == min(strikes, key=lambda k: (abs(k - forward), k))


@given(ladders, forwards)
def test_levels_agree_with_counting_the_strikes_between(strikes: list[float], forward: float) -> None:
    atm = min(strikes, key=lambda k: (abs(k - forward), k))
    counted = [sum(atm < k <= one for k in strikes) - sum(one <= k < atm for k in strikes) for one in strikes]
    assert levels(strikes, forward).tolist() == counted


@given(ladders, forwards, st.integers(min_value=0, max_value=45))
def test_the_selection_is_exactly_the_strikes_within_the_levels(
    strikes: list[float], forward: float, steps: int
) -> None:
    ladder = np.array(sorted(strikes))
    within = ladder[np.abs(levels(ladder, forward)) <= steps]
    assert ladder[select_levels(ladder, forward, steps)].tolist() == within.tolist()


@given(st.integers(min_value=-500, max_value=500).filter(bool))
def test_one_of_call_and_put_is_in_the_money_and_the_other_out_of_it(step: int) -> None:
    assert {label("call", step), label("put", step)} == {f"OTM{abs(step)}", f"ITM{abs(step)}"}
    assert label("call", step) == label("put", -step)


def test_a_label_is_read_back_and_anything_else_raises() -> None:
    assert [level(name) for name in ("ATM", "OTM1", "OTM12", "ITM1", "ITM40")] == [0, 1, 12, -1, -40]
    for wrong in ("OTM0", "OTM", "otm1", "ATM1", "OTM-1", "OTM+1", "OTM01", "OTM1 ", "OTM99999", ""):
        with pytest.raises(ValueError, match="is no moneyness"):
            level(wrong)


def test_strikes_of_a_level_follow_the_money_in_time() -> None:
    atm = [24800.0, 24850.0, 24900.0, 25000.0, 25100.0, NAN, 24825.0]
    calls = strike_at(LADDER, atm, 1, True)
    np.testing.assert_array_equal(calls, [24850.0, 24900.0, 25000.0, 25100.0, NAN, NAN, NAN])
    puts = strike_at(LADDER, atm, 1, False)
    np.testing.assert_array_equal(puts, [NAN, 24800.0, 24850.0, 24900.0, 25000.0, NAN, NAN])


def test_strikes_of_several_levels_and_both_sides_broadcast() -> None:
    found = strike_at(LADDER, 24900.0, [[0], [2], [-1], [3]], [True, False])
    np.testing.assert_array_equal(found, [[24900.0, 24900.0], [25100.0, 24800.0], [24850.0, 25000.0], [NAN, NAN]])


def test_no_ladder_has_no_strikes() -> None:
    assert np.isnan(strike_at([], [25000.0, NAN], 0, True)).all()


@given(ladders, forwards, st.integers(min_value=-45, max_value=45), st.booleans())
def test_the_strike_of_a_level_is_the_one_that_wears_its_label(
    strikes: list[float], forward: float, rungs: int, is_call: bool
) -> None:
    side: Side = "call" if is_call else "put"
    atm = min(strikes, key=lambda k: (abs(k - forward), k))
    worn = {}
    for one in strikes:
        between = sum(atm < k <= one for k in strikes) - sum(one <= k < atm for k in strikes)
        out = between if is_call else -between
        worn["ATM" if out == 0 else f"{'OTM' if out > 0 else 'ITM'}{abs(out)}"] = one
    name = label(side, rungs if is_call else -rungs)
    assert level(name) == rungs
    np.testing.assert_array_equal(strike_at(strikes, atm, level(name), is_call), worn.get(name, NAN))
