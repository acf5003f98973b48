"""IV rank and percentile: by hand, and against counting."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.iv_rank import FEWEST_DAYS, iv_percentile, iv_rank

NAN = math.nan
DAYS = [0.10, 0.12, 0.12, 0.15, 0.20]


@pytest.mark.parametrize(
    ("value", "rank", "percentile"),
    [
        (0.12, 20.0, 20.0),  # an equal day is not below
        (0.15, 50.0, 60.0),
        (0.10, 0.0, 0.0),
        (0.20, 100.0, 80.0),
        (0.25, 100.0, 100.0),  # beyond the window: its own highest
        (0.05, 0.0, 0.0),
        (NAN, NAN, NAN),
    ],
)
def test_rank_is_of_the_range_and_percentile_of_the_days(value: float, rank: float, percentile: float) -> None:
    assert float(iv_rank(value, DAYS, fewest=5)) == pytest.approx(rank, nan_ok=True)
    assert float(iv_percentile(value, DAYS, fewest=5)) == pytest.approx(percentile, nan_ok=True)


def test_a_single_spike_moves_the_rank_but_hardly_the_percentile() -> None:
    calm = [0.12] * 50 + [0.13] * 50
    assert float(iv_rank(0.13, [*calm, 0.53])) == pytest.approx(100 / 41)
    assert float(iv_percentile(0.13, [*calm, 0.53])) == pytest.approx(100 * 50 / 101)


def test_too_few_known_days_give_no_rank() -> None:
    days = np.linspace(0.1, 0.2, FEWEST_DAYS)
    assert float(iv_percentile(0.15, days)) == 50.0
    days[3] = NAN
    assert math.isnan(iv_percentile(0.15, days))
    assert math.isnan(iv_rank(0.15, days))
    assert math.isnan(iv_rank(0.15, [], fewest=0))
    assert math.isnan(iv_percentile(0.15, [], fewest=0))


def test_unknown_days_are_left_out() -> None:
    days = [NAN, *DAYS, NAN]
    assert float(iv_rank(0.15, days, fewest=5)) == pytest.approx(50.0)
    assert float(iv_percentile(0.15, days, fewest=5)) == pytest.approx(60.0)


def test_where_all_are_equal_there_is_no_rank_but_a_percentile() -> None:
    assert math.isnan(iv_rank(0.13, [0.13] * 30))
    assert float(iv_percentile(0.13, [0.13] * 30)) == 0.0
    assert float(iv_rank(0.14, [0.13] * 30)) == 100.0


def test_many_values_have_a_window_each() -> None:
    windows = np.array([DAYS, DAYS[::-1]])
    np.testing.assert_allclose(iv_rank([0.15, 0.12], windows, fewest=5), [50.0, 20.0])
    np.testing.assert_allclose(iv_percentile([0.15, 0.12], windows, fewest=5), [60.0, 20.0])
    with pytest.raises(ValueError, match="shape"):
        iv_rank([0.15, 0.12], DAYS)


@given(
    st.integers(1, 60),
    st.lists(st.integers(1, 60) | st.none(), max_size=40),
    st.integers(0, 30),
)
def test_both_agree_with_counting(value: int, days: list[int | None], fewest: int) -> None:
    known = [day for day in days if day is not None]
    window = [NAN if day is None else day / 100 for day in days]
    rank, percentile = NAN, NAN
    if len(known) >= max(fewest, 1):
        low, high = min([*known, value]), max([*known, value])
        rank = 100 * (value - low) / (high - low) if high > low else NAN
        percentile = 100 * sum(day < value for day in known) / len(known)
    assert float(iv_rank(value / 100, window, fewest=fewest)) == pytest.approx(rank, nan_ok=True)
    assert float(iv_percentile(value / 100, window, fewest=fewest)) == pytest.approx(percentile, nan_ok=True)
