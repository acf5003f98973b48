"""Screening: what cannot be true is dropped under the first kind that applies."""

import math

import numpy as np
import pytest

from fo_analytics.domain.ticks import Ticks, absent_where_zero, reject

NOW = 1_770_100_000_000
GOOD = {"last": 10.0, "volume": 5.0, "oi": 7.0, "bid": 9.0, "bid_qty": 1.0, "ask": 11.0, "ask_qty": 1.0}


def ticks(**changes: float) -> Ticks:
    """Return one good tick with some columns changed."""
    ts = int(changes.pop("ts", NOW))
    values = {name: np.array([value]) for name, value in {**GOOD, **changes}.items()}
    return Ticks(np.array([0]), np.array([ts]), **values)


def kinds(tick: Ticks, *, nan: bool = False, known: bool = True) -> list[str]:
    """Return the kinds a tick is rejected under."""
    found = reject(tick, not_a_number=np.array([nan]), known=np.array([known]), now_ms=NOW)
    return [kind for kind, mask in found.items() if mask[0]]


def test_a_good_tick_passes() -> None:
    assert kinds(ticks()) == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"last": math.inf}, "nan_price"),
        ({"last": -0.05}, "negative_price"),
        ({"bid": -1.0}, "negative_price"),
        ({"ask": 1e9}, "absurd_price"),
        ({"volume": -5.0}, "negative_amount"),
        ({"oi": 1e18}, "absurd_amount"),
        ({"ts": NOW + 60_000}, "future_stamp"),
    ],
)
def test_what_cannot_be_true_is_dropped_by_kind(changes: dict[str, float], kind: str) -> None:
    assert kinds(ticks(**changes)) == [kind]


def test_a_number_that_is_none_is_dropped() -> None:
    assert kinds(ticks(), nan=True) == ["nan_price"]


def test_a_token_that_nobody_knows_is_dropped_once_whatever_else_is_wrong() -> None:
    assert kinds(ticks(last=-1.0, ts=NOW + 60_000), known=False) == ["unknown_token"]


def test_a_stamp_a_little_ahead_is_forgiven() -> None:
    assert kinds(ticks(ts=NOW + 1_000)) == []


def test_a_poll_in_which_everything_is_zero_says_nothing() -> None:
    assert kinds(ticks(**dict.fromkeys(GOOD, 0.0))) == ["empty"]


def test_a_price_of_zero_is_absent() -> None:
    assert math.isnan(absent_where_zero(ticks(last=0.0)).last[0])
