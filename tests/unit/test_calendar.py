"""The trading calendar: sessions, minutes of ticks, assumed days, expiry instants, years to expiry."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.calendar import (
    IST,
    Calendar,
    Hours,
    Interval,
    Session,
    calendar_days,
    from_ms,
    ist_date,
    ist_instant,
    to_ms,
    years_to_expiry,
)
from fo_analytics.session_table import SHIPPED_TABLE, parse

SHIPPED = parse(SHIPPED_TABLE.read_text())
NSE = Calendar("NSE", [s for s in SHIPPED if s.exchange == "NSE"])
HOURS = Hours(time(9, 15), time(15, 40), time(15, 30))


def at(text: str) -> datetime:
    """An instant written in IST."""
    return datetime.fromisoformat(text).replace(tzinfo=IST)


def ms(text: str) -> int:
    return to_ms(at(text))


def session(day: str) -> Session:
    found = NSE.session_on(date.fromisoformat(day))
    assert found is not None
    return found


def interval(opens: str, closes: str) -> Interval:
    return Interval(at(opens), at(closes))


def test_milliseconds_and_instants_are_exact_inverses() -> None:
    instant = at("2026-02-03T15:29:59.999")
    assert from_ms(to_ms(instant)) == instant
    assert to_ms(datetime(1970, 1, 1, tzinfo=UTC)) == 0


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2026, 2, 3, 10, 0)  # noqa: DTZ001
    with pytest.raises(TypeError):
        to_ms(naive)
    with pytest.raises(ValueError, match="aware"):
        ist_date(naive)
    with pytest.raises(ValueError, match="aware"):
        Interval(naive, naive + timedelta(hours=1))


def test_the_exchange_date_is_the_one_in_india() -> None:
    assert ist_date(datetime(2026, 2, 2, 18, 29, tzinfo=UTC)) == date(2026, 2, 2)
    assert ist_date(datetime(2026, 2, 2, 18, 30, tzinfo=UTC)) == date(2026, 2, 3)


def test_clock_times_become_utc_instants() -> None:
    assert ist_instant(date(2026, 2, 3), time(9, 15)) == datetime(2026, 2, 3, 3, 45, tzinfo=UTC)
    assert session("2026-02-03").opens_at == datetime(2026, 2, 3, 3, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "minute"),
    [
        ("09:14:59.999", -1),
        ("09:15:00.000", 0),
        ("09:15:59.999", 0),
        ("09:16:00.000", 1),
        ("15:29:59.999", 374),
        ("15:30:00.000", -1),
    ],
)
def test_a_minute_holds_its_open_and_not_its_close(clock: str, minute: int) -> None:
    assert session("2026-02-03").minute_of([ms(f"2026-02-03T{clock}")]).tolist() == [minute]


@pytest.mark.parametrize(
    ("clock", "minute"),
    [
        ("09:59:59", 44),
        ("10:00:00", -1),
        ("11:29:59", -1),
        ("11:30:00", 45),
        ("12:29:59", 104),
        ("12:30:00", -1),
    ],
)
def test_minutes_of_a_split_session_run_on_over_the_pause(clock: str, minute: int) -> None:
    assert session("2024-03-02").minute_of([ms(f"2024-03-02T{clock}")]).tolist() == [minute]


@pytest.mark.parametrize(
    ("clock", "late"),
    [
        ("15:29:59.999", False),
        ("15:30:00.000", True),
        ("15:33:24.000", True),
        ("15:45:00.000", True),
        ("15:45:00.001", False),
    ],
)
def test_ticks_are_late_from_the_close_to_a_quarter_of_an_hour_after_it(clock: str, late: bool) -> None:
    assert session("2026-02-03").late_minute([ms(f"2026-02-03T{clock}")]).tolist() == [late]


def test_the_grace_for_late_ticks_can_be_shortened() -> None:
    ticks = [ms("2026-02-03T15:30:30"), ms("2026-02-03T15:31:30")]
    assert session("2026-02-03").late_minute(ticks, grace_ms=60_000).tolist() == [True, False]


def test_the_pause_of_a_split_session_is_not_late() -> None:
    assert not session("2024-03-02").late_minute([ms("2024-03-02T10:05:00")]).any()


def test_no_ticks_give_no_minutes() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert session("2026-02-03").minute_of(empty).shape == (0,)
    assert session("2026-02-03").late_minute(empty).shape == (0,)


@pytest.mark.parametrize("day", ["2026-02-03", "2024-03-02", "2021-02-24", "2026-08-03", "2025-10-21"])
def test_every_bucket_open_is_the_start_of_its_own_minute(day: str) -> None:
    one = session(day)
    opens = one.bucket_opens_ms
    assert opens.dtype == np.int64
    assert one.minute_of(opens).tolist() == list(range(one.minutes))
    assert one.minute_of(opens + 59_999).tolist() == list(range(one.minutes))
    assert [to_ms(start) for start in one.bucket_starts] == opens.tolist()


@given(st.integers(min_value=ms("2021-02-24T09:00:00"), max_value=ms("2021-02-24T18:00:00")))
def test_the_vectorised_minute_agrees_with_a_walk_over_the_buckets(tick: int) -> None:
    one = session("2021-02-24")
    starts = one.bucket_opens_ms.tolist()
    walked = [n for n, start in enumerate(starts) if start <= tick < start + 60_000]
    assert one.minute_of([tick]).tolist() == (walked or [-1])
    assert one.contains(from_ms(tick)) == bool(walked)


def test_a_last_bucket_may_be_short() -> None:
    short = Session(
        "NSE",
        date(2026, 2, 3),
        "split",
        (
            interval("2026-02-03T09:15:00", "2026-02-03T09:17:30"),
            interval("2026-02-03T10:00:00", "2026-02-03T10:01:00"),
        ),
        at("2026-02-03T10:01:00"),
    )
    assert short.minutes == 4
    ticks = [ms(f"2026-02-03T{clock}") for clock in ("09:17:29", "09:17:30", "10:00:00")]
    assert short.minute_of(ticks).tolist() == [2, -1, 3]


def test_a_session_needs_intervals_in_order_on_its_own_date() -> None:
    morning = interval("2026-02-03T09:15:00", "2026-02-03T11:00:00")
    noon = interval("2026-02-03T10:30:00", "2026-02-03T12:00:00")
    expires = at("2026-02-03T12:00:00")
    with pytest.raises(ValueError, match="2026-02-03: a session needs at least one"):
        Session("NSE", date(2026, 2, 3), "split", (), expires)
    with pytest.raises(ValueError, match="2026-02-03: intervals overlap"):
        Session("NSE", date(2026, 2, 3), "split", (morning, noon), expires)
    with pytest.raises(ValueError, match="2026-02-04: an interval opens on another date"):
        Session("NSE", date(2026, 2, 4), "split", (morning,), expires)
    with pytest.raises(ValueError, match="close after it opens"):
        interval("2026-02-03T09:15:00", "2026-02-03T09:15:00")


def test_a_weekend_is_open_when_the_table_says_so_and_closed_otherwise() -> None:
    assert NSE.is_open(at("2026-02-01T11:00:00"))
    assert not NSE.is_open(at("2026-01-31T11:00:00"))
    assert not NSE.is_open(at("2026-01-26T11:00:00"))


def test_the_close_itself_is_closed() -> None:
    assert NSE.is_open(at("2026-02-03T15:29:59.999"))
    assert not NSE.is_open(at("2026-02-03T15:30:00"))
    assert NSE.session_at(at("2026-02-03T15:30:00")) is None
    assert NSE.session_at(at("2026-02-03T09:15:00")) == session("2026-02-03")


def test_the_market_is_closed_in_the_pause_of_a_split_session() -> None:
    assert not NSE.is_open(at("2024-05-18T10:30:00"))


def test_an_evening_session_is_open_in_the_evening_only() -> None:
    assert NSE.is_open(at("2024-11-01T18:30:00"))
    assert not NSE.is_open(at("2024-11-01T11:00:00"))


def test_weekdays_past_the_known_sessions_are_assumed() -> None:
    assert NSE.known_until == date(2026, 12, 31)
    friday = session("2027-01-01")
    assert (friday.kind, friday.minutes) == ("assumed", 385)
    assert friday.expires_at == at("2027-01-01T15:30:00")
    assert NSE.session_on(date(2027, 1, 2)) is None
    assert NSE.session_on(date(2026, 12, 25)) is None


def test_days_before_the_known_sessions_have_none() -> None:
    assert NSE.session_on(date(2018, 12, 31)) is None
    assert NSE.last_session_before(date(2019, 1, 1)) is None


@pytest.mark.parametrize(
    ("day", "previous"),
    [
        ("2026-02-02", "2026-02-01"),
        ("2026-02-01", "2026-01-30"),
        ("2026-01-27", "2026-01-23"),
        ("2027-01-01", "2026-12-31"),
        ("2027-01-04", "2027-01-01"),
        ("2027-01-11", "2027-01-08"),
    ],
)
def test_the_session_before_skips_closed_days_only(day: str, previous: str) -> None:
    before = NSE.last_session_before(date.fromisoformat(day))
    assert before is not None
    assert before.date.isoformat() == previous


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2026-01-30", "2026-02-01"),
        ("2026-01-23", "2026-01-27"),
        ("2018-01-01", "2019-01-01"),
        ("2026-12-31", "2027-01-01"),
        ("2027-01-01", "2027-01-04"),
    ],
)
def test_the_session_after_skips_closed_days_only(day: str, following: str) -> None:
    assert NSE.next_session_after(date.fromisoformat(day)).date.isoformat() == following


@given(st.dates(min_value=date(2019, 1, 2), max_value=date(2028, 12, 31)))
def test_next_and_last_agree_with_a_walk_over_the_days(day: date) -> None:
    around = NSE.sessions_between(day - timedelta(days=14), day + timedelta(days=14))
    before = [s for s in around if s.date < day]
    after = [s for s in around if s.date > day]
    assert NSE.last_session_before(day) == (before[-1] if before else None)
    assert NSE.next_session_after(day) == after[0]


def test_sessions_between_include_both_ends() -> None:
    days = [s.date.isoformat() for s in NSE.sessions_between(date(2026, 1, 30), date(2026, 2, 3))]
    assert days == ["2026-01-30", "2026-02-01", "2026-02-02", "2026-02-03"]
    assert NSE.sessions_between(date(2026, 2, 3), date(2026, 2, 2)) == []


@pytest.mark.parametrize(
    ("expiry", "instant"),
    [
        ("2026-02-03", "2026-02-03T15:30:00"),
        ("2026-08-04", "2026-08-04T15:30:00"),
        ("2024-01-20", "2024-01-20T15:30:00"),
        ("2027-01-05", "2027-01-05T15:30:00"),
        ("2026-01-26", "2026-01-26T15:30:00"),
    ],
)
def test_contracts_stop_at_the_expiry_instant_of_the_day(expiry: str, instant: str) -> None:
    assert NSE.expires_at(date.fromisoformat(expiry)) == at(instant)


def test_expiring_contracts_stop_before_the_market_closes_from_august_2026() -> None:
    tuesday = session("2026-08-04")
    assert tuesday.closes_at - tuesday.expires_at == timedelta(minutes=10)


def test_a_calendar_may_consist_of_assumed_days_alone() -> None:
    bare = Calendar("SIM", [], HOURS)
    monday = bare.session_on(date(2026, 1, 26))
    assert monday is not None
    assert (monday.kind, monday.exchange, bare.known_until) == ("assumed", "SIM", None)
    assert bare.last_session_before(date(2026, 1, 26)) == bare.session_on(date(2026, 1, 23))
    assert bare.next_session_after(date(2026, 1, 23)) == monday


def test_a_calendar_without_any_hours_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a regular session nor a template"):
        Calendar("NSE", [])


def test_a_calendar_takes_one_session_a_day_of_its_own_exchange() -> None:
    one = session("2026-02-03")
    with pytest.raises(ValueError, match="2026-02-03: two sessions of NSE"):
        Calendar("NSE", [one, one])
    with pytest.raises(ValueError, match="2026-02-03: a session of NSE in the calendar of BSE"):
        Calendar("BSE", [one])


def test_a_template_overrules_the_hours_of_the_last_regular_session() -> None:
    short = Hours(time(9, 15), time(10, 15), time(10, 15))
    later = Calendar("NSE", [session("2026-02-03")], short).session_on(date(2026, 2, 4))
    assert later is not None
    assert later.minutes == 60


def test_years_are_seconds_over_365_days() -> None:
    expires = ms("2026-02-03T15:30:00")
    assert years_to_expiry(expires, ms("2026-01-27T15:30:00")) == 7 / 365
    assert years_to_expiry(expires, ms("2026-02-03T14:30:00")) == pytest.approx(3600 / 31_536_000, rel=1e-15)


def test_years_never_fall_below_a_second_until_the_contract_has_expired() -> None:
    expires = ms("2026-02-03T15:30:00")
    assert years_to_expiry(expires, expires - 1) == 1 / 31_536_000
    assert math.isnan(years_to_expiry(expires, expires))
    assert math.isnan(years_to_expiry(expires, expires + 1))


def test_the_last_hour_does_not_stand_still() -> None:
    expires = ms("2026-02-03T15:30:00")
    years = [years_to_expiry(expires, expires - seconds * 1000) for seconds in range(3600, 0, -1)]
    assert all(later < earlier for earlier, later in pairwise(years))


@pytest.mark.parametrize(
    ("instant", "days"),
    [
        ("2026-01-30T09:16:49", 4),
        ("2026-02-02T23:59:59", 1),
        ("2026-02-03T00:00:00", 0),
        ("2026-02-03T15:29:00", 0),
        ("2026-02-04T00:00:00", -1),
    ],
)
def test_calendar_days_change_at_midnight_in_india(instant: str, days: int) -> None:
    assert calendar_days(date(2026, 2, 3), at(instant)) == days
