"""Candles of a strategy by hand: two legs whose highs never meet, old prices, closed and frozen legs."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from strategies.domain.candles import Candles, candles, candles_from_bars
from strategies.domain.legs import Freeze, Kind, Leg, Settlement, Side
from strategies.domain.m2m import Quote, mark_to_market
from strategies.domain.positions import Positions, Values, marks_of, positions_of, price_table, realised_exactly, values
from tests.unit.legs_made import ENTERED, call, fill, leg, option

ENTERED_S = int(ENTERED.timestamp())
SLOTS = {1: 0, 2: 1}
STRADDLE = (call(Side.BUY, 1, "100"), leg(option(Kind.PUT, "25700", key=2), Side.BUY, 1, "100"))

Seen = list[tuple[int, float, str]]
BOTH: Seen = [(0, 1, "100"), (1, 1, "100")]


def valued(legs: tuple[Leg, ...], seen: Seen, *, seconds: int = 120, fresh_ms: int = 60_000) -> Values:
    """Return values of one strategy by second since its entry; marks are slot, second since the entry, price."""
    marks = marks_of([(slot, int((ENTERED_S + at) * 1000), Decimal(price)) for slot, at, price in seen])
    table = price_table(marks, slots=2, second=ENTERED_S + np.arange(seconds))
    return values(positions_of([legs], SLOTS), table, fresh_ms=fresh_ms)


def minutes(legs: tuple[Leg, ...], seen: Seen, *, fresh_ms: int = 60_000) -> Candles:
    """Return two minutes of candles of one strategy."""
    found = valued(legs, seen, fresh_ms=fresh_ms)
    return candles(found, bucket=found.second - found.second % 60)


def row(found: Candles, place: int) -> list[str | None]:
    """Return open, high, low, close of the only strategy."""
    return list(found.rupees(0, place).values())


def test_highs_of_legs_that_never_meet_are_not_added() -> None:
    seen = [*BOTH, (0, 10, "110"), (0, 20, "90"), (1, 20, "108"), (1, 30, "95")]
    found = minutes(STRADDLE, seen)
    # Values by second: 0; +10; −10 + 8; −10 − 5, × 65. The legs' own highs would make +18 × 65 = 1,170.
    assert row(found, 0) == ["0.00", "650.00", "-975.00", "-975.00"]
    assert found.time.tolist() == [ENTERED_S, ENTERED_S + 60]
    assert found.seconds.tolist() == [[4, 0]]


def test_a_minute_in_which_nothing_happened_has_no_candle() -> None:
    assert row(minutes(STRADDLE, BOTH), 1) == [None] * 4


def test_until_every_open_leg_has_a_price_there_is_no_value() -> None:
    found = minutes(STRADDLE, [(0, 1, "100"), (0, 2, "150"), (1, 40, "100")])
    assert row(found, 0) == ["3250.00"] * 4
    assert found.seconds[0, 0] == 1


def test_within_a_second_the_newest_mark_counts_and_of_equals_the_highest() -> None:
    seen = [*BOTH, (0, 5.2, "120"), (0, 5.7, "103"), (0, 5.7, "102"), (0, 5.1, "130")]
    assert row(minutes(STRADDLE, seen), 0) == ["0.00", "195.00", "0.00", "195.00"]


def test_a_price_of_a_leg_that_is_closed_makes_no_candle() -> None:
    sold = (STRADDLE[0].exit(fill(1, "104", minutes=0.5)), STRADDLE[1])
    seen = [*BOTH, (0, 70, "200")]
    assert row(minutes(sold, seen), 0) == ["0.00", "260.00", "0.00", "260.00"]
    assert row(minutes(sold, seen), 1) == [None] * 4
    assert row(minutes(sold, [*seen, (1, 71, "101")]), 1) == ["325.00"] * 4


def test_a_candle_says_when_a_price_in_it_is_old() -> None:
    seen = [*BOTH, (0, 61, "101"), (0, 62, "102")]
    assert minutes(STRADDLE, seen, fresh_ms=60_000).partial.tolist() == [[False, True]]  # the put is 61 s old at 62
    assert minutes(STRADDLE, seen, fresh_ms=61_000).partial.tolist() == [[False, False]]


def test_trades_and_settlements_are_events_of_their_second() -> None:
    ended = ENTERED + timedelta(seconds=90)
    done = tuple(one.settle(Settlement(Decimal(40), ended, "official_close", provisional=False)) for one in STRADDLE)
    found = valued(done, BOTH)
    assert np.flatnonzero(found.event[0] & found.known[0]).tolist() == [1, 90]
    assert row(minutes(done, BOTH), 1) == ["-7800.00"] * 4  # (40 − 100) × 130
    assert realised_exactly(done) == -7_800


def test_a_frozen_leg_keeps_its_price_whatever_the_market_says() -> None:
    at = ENTERED + timedelta(seconds=60)
    frozen = STRADDLE[0].freeze(Freeze(at, "corporate_action: split", Decimal(120)))
    assert row(minutes((frozen, STRADDLE[1]), [*BOTH, (0, 70, "60"), (1, 70, "101")]), 1)[3] == "1365.00"
    unknown = STRADDLE[0].freeze(Freeze(at, "corporate_action: split", None))
    assert row(minutes((unknown, STRADDLE[1]), [*BOTH, (0, 70, "60"), (1, 70, "101")]), 1) == [None] * 4


def test_from_bars_only_the_close_is_told() -> None:
    found = valued(STRADDLE, [*BOTH, (0, 59, "103")])
    told = candles_from_bars(found, bucket=found.second - found.second % 60)
    assert row(told, 0) == [None, None, None, "195.00"]
    assert told.from_bars


def test_a_price_stamped_ahead_of_the_instant_is_not_younger_than_new() -> None:
    now = mark_to_market(STRADDLE[:1], {1: Quote(last=Decimal(101), last_ts=5_000)}, as_of_ms=4_000)
    assert now.legs[0] is not None
    assert now.legs[0].age_ms == 0


def test_what_cannot_be_put_together_is_refused() -> None:
    with pytest.raises(ValueError, match="without legs"):
        positions_of([STRADDLE, ()], SLOTS)
    with pytest.raises(KeyError):
        positions_of([STRADDLE], {1: 0})
    column = np.array([0, 2])
    with pytest.raises(ValueError, match="sorted by strategy"):
        Positions(column, column, column, column, column, column)
    with pytest.raises(ValueError, match="must ascend"):
        candles(valued(STRADDLE, BOTH), bucket=np.zeros(3, np.int64))
