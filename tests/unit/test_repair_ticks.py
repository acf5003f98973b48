"""Candles to ticks: what a minute of them says, and volumes that never pass what is known."""

from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.repair import Repairable, synthetic_ticks
from streaming.ticker.candles import Candle
from streaming.ticker.codec import TickRow

START = 1_770_003_900_000 // MINUTE_MS * MINUTE_MS
FAR = START + 10**9


def candle(minute: int, volume: float = 65.0, oi: float | None = 650.0) -> Candle:
    """Return a candle of the `minute`-th minute."""
    return Candle(START + minute * MINUTE_MS, 10.0, 12.0, 9.0, 11.0, volume, oi)


def at(minute: int) -> int:
    """Return the open of the `minute`-th minute."""
    return START + minute * MINUTE_MS


def volumes(contract: Repairable, candles: list[Candle], first: int = 0, gap: int | None = None) -> list[float | None]:
    """Return the day's volumes that a contract's ticks say, one a candle."""
    rows = list(synthetic_ticks(contract, candles, from_ms=at(first), gap_ms=None if gap is None else at(gap)))
    assert all(row[3] is None for number, row in enumerate(rows) if number % 4 != 3)
    return [row[3] for row in rows[3::4]]


def test_a_candle_is_four_ticks_within_its_minute() -> None:
    rows = list(synthetic_ticks(Repairable(7, FAR), [candle(1)], from_ms=at(1)))
    assert [(row[0], row[1] - at(1), row[2]) for row in rows] == [
        (7, 1, 10.0), (7, 20_000, 12.0), (7, 40_000, 9.0), (7, 59_999, 11.0)
    ]  # fmt: skip
    assert [row[3:5] for row in rows] == [(None, None)] * 3 + [(65.0, 650.0)]
    assert all(row[5:] == (None,) * 5 for row in rows)


def test_no_tick_carries_a_stamp_of_whole_seconds_that_could_open_or_close_its_minute() -> None:
    rows: list[TickRow] = list(synthetic_ticks(Repairable(7, FAR), [candle(1)], from_ms=at(1)))
    assert rows[0][1] % 1000 != 0
    assert rows[-1][1] % 1000 != 0


def test_a_spot_has_neither_volume_nor_open_interest() -> None:
    rows = list(synthetic_ticks(Repairable(7), [candle(0), candle(1)], from_ms=at(0)))
    assert len(rows) == 8
    assert all(row[3] is None and row[4] is None for row in rows)


def test_volume_goes_on_from_the_last_one_known() -> None:
    known = [(at(0), 1_000.0), (at(9), 9_000.0)]
    assert volumes(Repairable(7, FAR, known), [candle(2), candle(3)], first=1) == [1_065.0, 1_130.0]


def test_volume_begins_at_none_where_nothing_is_known() -> None:
    assert volumes(Repairable(7, FAR), [candle(2), candle(3)], first=1) == [65.0, 130.0]


def test_volume_never_passes_the_next_one_known() -> None:
    known = [(at(0), 1_000.0), (at(3), 1_100.0)]
    assert volumes(Repairable(7, FAR, known), [candle(1), candle(2), candle(3)], first=1) == [1_065.0, 1_100.0, 1_165.0]


def test_a_minute_that_is_known_in_part_counts_as_a_whole_once() -> None:
    known = [(at(0), 1_000.0), (at(1), 1_030.0)]  # the feed stopped in minute 1
    assert volumes(Repairable(7, FAR, known), [candle(1), candle(2)], first=1) == [1_065.0, 1_130.0]
    known = [(at(0), 1_000.0), (at(1), 1_090.0)]  # and had seen more than the candle says
    assert volumes(Repairable(7, FAR, known), [candle(1), candle(2)], first=1) == [1_090.0, 1_155.0]


def test_behind_a_minute_nobody_knows_volume_is_counted_back_from_the_next_one_known() -> None:
    known = [(at(0), 1_000.0), (at(5), 2_000.0)]
    candles = [candle(1), candle(3), candle(4), candle(5)]
    assert volumes(Repairable(7, FAR, known), candles, first=1, gap=2) == [1_065.0, 1_870.0, 1_935.0, 2_000.0]
    for unhelpful in (known[:1], [known[0], (at(6), 2_000.0)]):  # none behind it; one whose own minute is not known
        said = volumes(Repairable(7, FAR, unhelpful), candles, first=1, gap=2)
        assert said == [1_065.0, 1_130.0, 1_195.0, 1_260.0]


def test_candles_that_end_behind_the_expiry_are_left_out() -> None:
    rows = list(synthetic_ticks(Repairable(7, at(2)), [candle(0), candle(1), candle(2), candle(3)], from_ms=at(0)))
    assert max(row[1] for row in rows) == at(2) - 1


@given(
    traded=st.lists(st.integers(0, 500), min_size=8, max_size=8),
    said=st.lists(st.integers(0, 500), min_size=8, max_size=8),
    held=st.sets(st.integers(0, 7)),
    first=st.integers(0, 6),
    gap=st.none() | st.integers(0, 7),
)
def test_the_days_volume_never_falls_and_never_exceeds_what_is_known_later(
    traded: list[int], said: list[int], held: set[int], first: int, gap: int | None
) -> None:
    totals = [float(sum(traded[: n + 1])) for n in range(8)]
    known = [(at(n), totals[n]) for n in sorted(held)]
    minutes = [n for n in range(first, 8) if n != gap]
    rows = volumes(Repairable(7, FAR, known), [candle(n, float(said[n])) for n in minutes], first=first, gap=gap)
    told = [volume for volume in rows if volume is not None]
    assert told == sorted(told)
    for minute, volume in zip(minutes, told, strict=True):
        later = [total for ms, total in known if ms > at(minute)]
        assert volume <= min(later, default=volume)
