"""Which minutes are holes, against a second count minute by minute."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.calendar import MINUTE_MS, Interval, Session, from_ms, ist_instant, to_ms
from fo_analytics.domain.holes import SETTLING_MS, Hole, closed_until, holes_in

DAY = date(2026, 2, 2)
OPENS = to_ms(ist_instant(DAY, time(9, 15)))
LENGTHS = (12, 9)  # minutes of two intervals, with five minutes between them


def session(lengths: tuple[int, ...] = LENGTHS) -> Session:
    """Return a session of intervals of some minutes, five minutes apart."""
    intervals, opens = [], OPENS
    for length in lengths:
        closes = opens + length * MINUTE_MS
        intervals.append(Interval(from_ms(opens), from_ms(closes)))
        opens = closes + 5 * MINUTE_MS
    return Session("NSE", DAY, "split", tuple(intervals), ist_instant(DAY, time(15, 30)))


def every_minute(of: Session) -> list[int]:
    """Return the opens of a session's minutes."""
    return [int(ms) for ms in of.bucket_opens_ms]


def missing(holes: list[Hole]) -> list[int]:
    """Return the minutes that holes consist of."""
    return [minute for hole in holes for minute in range(hole.first_ms, hole.last_ms + 1, MINUTE_MS)]


subsets = st.sets(st.sampled_from(every_minute(session())))
instants = st.integers(OPENS - 5 * MINUTE_MS, OPENS + 40 * MINUTE_MS)


@given(held=subsets, now_ms=instants)
def test_holes_are_the_minutes_without_bars_whose_next_one_is_closed_too(held: set[int], now_ms: int) -> None:
    day = session()
    closes = [to_ms(interval.closes_at) for interval in day.intervals]
    brute = []
    for minute in every_minute(day):
        settled = minute + MINUTE_MS + SETTLING_MS <= now_ms
        next_settled = minute + 2 * MINUTE_MS + SETTLING_MS <= now_ms or minute + MINUTE_MS in closes
        if minute not in held and settled and next_settled:
            brute.append(minute)
    assert missing(holes_in(day, held, closed_until_ms=closed_until(now_ms))) == brute


@given(held=subsets, now_ms=instants)
def test_what_is_asked_for_lies_in_one_interval_and_is_closed(held: set[int], now_ms: int) -> None:
    day = session()
    for hole in holes_in(day, held, closed_until_ms=closed_until(now_ms)):
        assert hole.from_ms <= hole.first_ms <= hole.last_ms < hole.to_ms <= closed_until(now_ms)
        assert any(to_ms(i.opens_at) <= hole.from_ms and hole.to_ms <= to_ms(i.closes_at) for i in day.intervals)


@given(held=subsets, now_ms=instants)
def test_the_minutes_around_a_hole_are_asked_for_along_with_it(held: set[int], now_ms: int) -> None:
    day = session()
    minutes = set(every_minute(day))
    for hole in holes_in(day, held, closed_until_ms=closed_until(now_ms)):
        before, behind = hole.first_ms - MINUTE_MS, hole.last_ms + MINUTE_MS
        assert hole.from_ms == (before if before in minutes else hole.first_ms)
        assert before not in minutes or before in held
        assert hole.to_ms == (behind + MINUTE_MS if behind in minutes and not hole.growing else behind)
        assert hole.growing or behind not in minutes or behind in held


@given(died=st.integers(0, 15), silent=st.integers(2, 10), step=st.integers(20, 90))
def test_a_feed_that_comes_back_has_its_first_minute_asked_for_however_often_was_looked(
    died: int, silent: int, step: int
) -> None:
    """Each look fills what it asked for, while the feed is away and after; the cut minutes are asked for as a whole."""
    day = session((40,))
    stops, returns = OPENS + died * MINUTE_MS + 35_000, OPENS + (died + silent) * MINUTE_MS + 20_000
    asked: set[int] = set()
    for now_ms in range(OPENS, OPENS + 50 * MINUTE_MS, step * 1000):
        live = {m for m in every_minute(day) if m <= now_ms and (m < stops or m + MINUTE_MS > returns)}
        for hole in holes_in(day, live | asked, closed_until_ms=closed_until(now_ms)):
            asked |= set(range(hole.from_ms, hole.to_ms, MINUTE_MS))
    first, last = stops // MINUTE_MS * MINUTE_MS, returns // MINUTE_MS * MINUTE_MS
    assert asked == set(range(first, last + 1, MINUTE_MS))


def test_a_hole_at_the_sessions_end_does_not_wait_for_a_minute_that_never_comes() -> None:
    day = session((10,))
    held = set(every_minute(day)[:-2])
    closes = to_ms(day.closes_at)
    (hole,) = holes_in(day, held, closed_until_ms=closes)
    assert (hole.minutes, hole.to_ms, hole.growing) == (2, closes, False)


@pytest.mark.parametrize("now_ms", [OPENS - 1, OPENS, OPENS + 3 * MINUTE_MS - 1])
def test_a_session_that_has_hardly_begun_has_no_hole(now_ms: int) -> None:
    assert holes_in(session(), set(), closed_until_ms=closed_until(now_ms)) == []
