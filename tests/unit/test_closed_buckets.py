"""Which bucket of a session had closed last: the last one may be short, and a pause has none."""

from datetime import UTC, date, datetime

import pytest

from fo_analytics.domain.calendar import Interval, Session, from_ms, to_ms
from fo_analytics.domain.timeframes import last_closed


def clock(text: str) -> datetime:
    """Return a UTC clock time of the day of SPLIT."""
    return datetime.strptime(f"2021-02-24 {text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


MORNING, EVENING = Interval(clock("03:45"), clock("06:10")), Interval(clock("10:15"), clock("11:30"))
SPLIT = Session("NSE", date(2021, 2, 24), "split", (MORNING, EVENING), clock("11:30"))


@pytest.mark.parametrize(
    ("minutes", "at", "opens", "closes"),
    [
        (60, "05:45", "04:45", "05:45"),
        (60, "06:44", "04:45", "05:45"),
        (60, "06:45", "05:45", "06:45"),
        (60, "10:44", "05:45", "06:45"),
        (60, "10:45", "09:45", "10:45"),
        (60, "11:29", "09:45", "10:45"),
        (60, "11:30", "10:45", "11:30"),
        (60, "20:00", "10:45", "11:30"),
        (1, "10:15", "06:09", "06:10"),
        (1440, "11:30", "03:45", "11:30"),
    ],
)
def test_the_last_closed_bucket_of_a_split_session(minutes: int, at: str, opens: str, closes: str) -> None:
    found = last_closed(SPLIT, to_ms(clock(at)), minutes=minutes)
    assert found is not None
    assert (from_ms(found.opens_ms), from_ms(found.closes_ms)) == (clock(opens), clock(closes))


@pytest.mark.parametrize(("minutes", "at"), [(1, "03:45"), (60, "04:44"), (1440, "11:29"), (5, "03:00")])
def test_before_its_first_bucket_has_closed_a_session_has_none(minutes: int, at: str) -> None:
    assert last_closed(SPLIT, to_ms(clock(at)), minutes=minutes) is None
