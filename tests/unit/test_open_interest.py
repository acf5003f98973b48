"""Put-call ratio and max pain, against sums written out."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.open_interest import max_pain, put_call_ratio

NAN = float("nan")
STRIKES = [24900.0, 25000.0, 25100.0]


def test_the_ratio_is_puts_over_calls_of_all_strikes() -> None:
    assert put_call_ratio([100, 0, 300], [50, 150, 400]) == 1.5


def test_without_calls_there_is_no_ratio() -> None:
    assert math.isnan(put_call_ratio([0, 0], [10, 20]))
    assert math.isnan(put_call_ratio([NAN, 0], [10, 20]))
    assert math.isnan(put_call_ratio([], [10]))


def test_without_puts_the_ratio_is_nought() -> None:
    assert put_call_ratio([10, 20], [0, 0]) == 0.0
    assert put_call_ratio([10, 20], []) == 0.0


def test_unknown_contracts_are_left_out_of_the_sums() -> None:
    assert put_call_ratio([100, NAN], [NAN, 50]) == 0.5


def test_a_side_of_which_nothing_is_known_gives_no_ratio() -> None:
    assert math.isnan(put_call_ratio([100, 100], [NAN, NAN]))


def test_options_above_pull_max_pain_by_calls_and_not_by_puts() -> None:
    # All calls at the lowest strike: every rise costs. With the roles exchanged it would be the highest.
    assert max_pain(STRIKES, [100, 0, 0], [0, 0, 0], forward=25100.0) == 24900.0
    assert max_pain(STRIKES, [0, 0, 0], [0, 0, 100], forward=24900.0) == 25100.0


def test_max_pain_of_a_worked_example() -> None:
    # Paid at 24,900: puts 100·40 + 200·10 = 6,000; at 25,000: calls 100·30 + puts 100·10 = 4,000;
    # at 25,100: calls 200·30 + 100·20 = 8,000.
    assert max_pain(STRIKES, [30, 20, 5], [5, 40, 10], forward=25000.0) == 25000.0


def test_without_open_interest_there_is_no_max_pain() -> None:
    assert math.isnan(max_pain(STRIKES, [0, 0, 0], [0, NAN, 0], forward=25000.0))
    assert math.isnan(max_pain([], [], [], forward=25000.0))


@pytest.mark.parametrize(
    ("forward", "strike"),
    [
        (24950.0, 24900.0),
        (25020.0, 25000.0),
        (25050.0, 25000.0),
        (25051.0, 25100.0),
        (NAN, 24900.0),
    ],
)
def test_of_equal_strikes_the_one_nearest_the_forward_wins_then_the_lower(forward: float, strike: float) -> None:
    # A call low and a put high of the same size: every strike between costs the same.
    assert max_pain(STRIKES, [75, 0, 0], [0, 0, 75], forward=forward) == strike


def test_the_order_of_the_strikes_does_not_matter() -> None:
    order = [2, 0, 1]
    strikes, calls, puts = (np.array(x)[order] for x in (STRIKES, [30, 20, 5], [5, 40, 10]))
    assert max_pain(strikes, calls, puts, forward=25000.0) == 25000.0


def test_ties_are_exact_for_large_interest_and_uneven_strikes() -> None:
    # In floating point the sums differ in the last place and there is no tie.
    strikes = [0.05 * n for n in range(1000, 1005)]
    calls, puts = [123_456_789, 0, 0, 0, 0], [0, 0, 0, 0, 123_456_789]
    for forward in strikes:
        assert max_pain(strikes, calls, puts, forward=forward) == forward


def by_hand(rows: list[tuple[int, int, int]], forward: float) -> float:
    """The definition of max pain, sum by sum over paise and units."""

    def pain(at: int) -> int:
        return sum(call * max(0, at - k) + put * max(0, k - at) for k, call, put in rows)

    least = min(pain(k) for k, _, _ in rows)
    ties = [k for k, _, _ in rows if pain(k) == least]
    return min(ties, key=lambda k: (abs(Fraction(k, 100) - Fraction(forward)), k)) / 100


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=1, max_value=400).map(lambda n: n * 5),
            st.integers(min_value=0, max_value=4) | st.integers(min_value=0, max_value=10**8),
            st.integers(min_value=0, max_value=4) | st.integers(min_value=0, max_value=10**8),
        ),
        min_size=1,
        max_size=30,
        unique_by=lambda row: row[0],
    ),
    st.integers(min_value=0, max_value=200).map(lambda n: n / 8),
)
def test_max_pain_agrees_with_the_definition(rows: list[tuple[int, int, int]], forward: float) -> None:
    strikes, calls, puts = ([row[n] for row in rows] for n in range(3))
    found = max_pain([k / 100 for k in strikes], calls, puts, forward=forward)
    if any(calls) or any(puts):
        assert found == by_hand(rows, forward)
    else:
        assert math.isnan(found)


@given(
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=10**9)),
        min_size=1,
        max_size=50,
    )
)
def test_the_ratio_agrees_with_exact_arithmetic(rows: list[tuple[int, int]]) -> None:
    calls, puts = sum(call for call, _ in rows), sum(put for _, put in rows)
    found = put_call_ratio([call for call, _ in rows], [put for _, put in rows])
    if calls:
        assert found == pytest.approx(float(Fraction(puts, calls)), rel=1e-15)
    else:
        assert math.isnan(found)
