"""A session's book: carrying, volumes, late ticks."""

import math

import numpy as np
import pytest

from fo_analytics.domain.bars import Flag
from fo_analytics.domain.book import Book
from fo_analytics.domain.ticks import Ticks

NAN = math.nan
ALL = 1_000


def tick(
    ts: int, *, last: float = NAN, volume: float = NAN, oi: float = NAN, bid: float = NAN, ask: float = NAN
) -> Ticks:
    """Return one tick of slot 0."""
    values = [np.array([value]) for value in (last, volume, oi, bid, 75.0, ask, 150.0)]
    return Ticks(np.array([0]), np.array([ts]), *values)


def book_of(*ticks: tuple[int, Ticks]) -> Book:
    """Return a book of one instrument with ticks added one by one."""
    book = Book(1)
    for minute, ticks_of_minute in ticks:
        book.add(np.array([minute]), ticks_of_minute)
    return book


def test_volume_is_the_growth_since_the_bar_before() -> None:
    book = book_of((0, tick(1, volume=100)), (1, tick(60_001, volume=160)))
    assert [book.volume(index)[0][0] for index in (0, 1)] == [100, 60]


def test_a_smaller_or_zero_cumulative_volume_is_ignored() -> None:
    book = book_of((0, tick(1, volume=100)), (1, tick(60_001, volume=0)), (2, tick(120_001, volume=90)))
    assert [book.volume(index)[0][0] for index in (0, 1, 2)] == [100, 0, 0]


def test_volume_after_a_silent_minute_is_flagged_as_catch_up() -> None:
    book = book_of((0, tick(1, volume=100)), (3, tick(180_001, volume=160)))
    growth, catch_up = book.volume(3)
    assert growth[0] == 60
    assert book.flags(catch_up)[0] == Flag.CATCH_UP


def test_the_first_bar_of_a_feed_that_began_late_is_a_catch_up() -> None:
    assert book_of((7, tick(420_001, volume=5))).volume(7)[1][0]


def test_the_first_minute_of_a_session_is_no_catch_up() -> None:
    assert not book_of((0, tick(1, volume=5))).volume(0)[1][0]


def test_a_late_tick_moves_volume_to_its_own_minute() -> None:
    book = book_of((0, tick(1, volume=100)), (2, tick(120_001, volume=160)))
    assert book.volume(2)[0][0] == 60
    book.add(np.array([1]), tick(60_001, volume=130))
    assert [book.volume(index)[0][0] for index in (1, 2)] == [30, 30]
    assert not book.volume(2)[1][0]


def test_a_late_tick_makes_every_later_minute_dirty() -> None:
    book = book_of((0, tick(1, last=5)), (2, tick(120_001, last=6)))
    assert book.take_dirty(ALL) == [0, 2]
    assert book.take_dirty(ALL) == []
    book.add(np.array([1]), tick(60_001, last=7))
    assert book.take_dirty(ALL) == [1, 2]


def test_a_minute_that_has_not_ended_stays_dirty_until_it_has() -> None:
    book = book_of((0, tick(1, last=5)), (1, tick(60_001, last=6)))
    assert book.take_dirty(1) == [0]
    assert book.is_dirty
    assert book.take_dirty(1) == []
    assert book.take_dirty(2) == [1]
    assert not book.is_dirty


def test_an_open_minute_written_early_is_due_again_after_a_late_tick_of_an_ended_one() -> None:
    book = book_of((0, tick(1, volume=5)), (1, tick(60_001, volume=6)))
    book.take_dirty(ALL)
    book.add(np.array([0]), tick(2, volume=6))
    assert book.take_dirty(1) == [0]
    assert book.take_dirty(ALL) == [1]


def test_a_repeated_tick_makes_nothing_dirty() -> None:
    book = book_of((0, tick(1, last=5, volume=3, oi=8, bid=4, ask=6)))
    book.take_dirty(ALL)
    book.add(np.array([0]), tick(1, last=5, volume=3, oi=8, bid=4, ask=6))
    assert book.take_dirty(ALL) == []


def test_a_zero_open_interest_does_not_replace_a_positive_one() -> None:
    book = book_of((0, tick(1, oi=750)), (1, tick(60_001, oi=0)))
    assert book.state(1)["oi"][0] == 750
    assert book.state(1)["oi_ts"][0] == 1


def test_a_contract_without_open_interest_says_zero() -> None:
    assert book_of((0, tick(1, oi=0))).state(0)["oi"][0] == 0


def test_a_side_that_nobody_quotes_any_more_is_absent() -> None:
    state = book_of((0, tick(1, bid=4, ask=6)), (1, tick(60_001, bid=0, ask=6))).state(1)
    assert math.isnan(state["bid"][0])
    assert state["ask"][0] == 6


def test_a_minute_restored_with_carried_values_does_not_hide_a_newer_late_tick() -> None:
    stored = book_of((0, tick(1, oi=500)), (3, tick(180_001, last=9)))
    row = stored.state(3)
    book = Book(1)
    book.restore(0, np.array([0]), stored.minute(0))
    book.restore(3, np.array([0]), row)  # as the database has it: oi 500 of ts 1 stands in minute 3
    book.add(np.array([1]), tick(60_001, oi=650))
    assert book.state(3)["oi"][0] == 650


def test_restored_minutes_are_not_dirty() -> None:
    book = Book(1)
    book.restore(0, np.array([0]), book_of((0, tick(5, last=3))).minute(0))
    assert book.take_dirty(ALL) == []
    assert book.newest_stamp(0) == 5


def test_instruments_listed_during_the_day_find_a_place() -> None:
    book = book_of((0, tick(1, last=5)))
    book.grow(2)
    assert book.state(0)["close"][0] == 5
    assert np.isnan(book.state(0)["close"][1])


@pytest.mark.parametrize("stamp", [1, 59_999])
def test_a_later_price_at_the_same_stamp_is_told_by_its_volume(stamp: int) -> None:
    book = book_of((0, tick(stamp, last=10, volume=100)), (0, tick(stamp, last=9.8, volume=150)))
    assert book.minute(0)["close"][0] == 9.8
    assert book.minute(0)["open"][0] == 10
