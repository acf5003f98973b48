"""Holes in what is stored: sessions as they are, and as many queries for a month as for a day."""

from datetime import date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.domain.calendar import IST, Session, ist_date, to_ms
from fo_analytics.domain.holes import Hole
from fo_analytics.models import Bar, Instrument, SessionKind, TradingSession, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.holes import find_holes
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services.instruments import ensure_instruments
from tests.api.market import ist

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
LATER = ist("2026-03-02 08:00:00")


@pytest.fixture
def nifty() -> Underlying:
    """An underlying with two contracts; another one is fed all the time."""
    expiry = date(2026, 3, 31)
    keys = [ContractKey(symbol, "CE", expiry, 25_000.0) for symbol in ("NIFTY", "BANKNIFTY")]
    ensure_instruments(keys=[*keys, ContractKey("NIFTY", "SPOT")], seen_on=date(2019, 1, 1))
    return Underlying.objects.get(symbol="NIFTY")


def session(day: date) -> Session:
    """Return the session of a day."""
    found = calendar_of(exchange="NSE").session_on(day)
    assert found is not None
    return found


def store(symbol: str, kind: str, times: list[datetime]) -> None:
    """Store bars of one instrument that say nothing but that they are there."""
    instrument = Instrument.objects.get(underlying__symbol=symbol, kind=kind)
    Bar.objects.bulk_create(Bar(instrument=instrument, time=time) for time in times)


def holes(underlying: Underlying, first: date, last: date, now_ms: int = LATER) -> list[Hole]:
    """Return the holes of a range."""
    calendar = calendar_of(exchange="NSE")
    return find_holes(underlying=underlying, calendar=calendar, first=first, last=last, now_ms=now_ms)


def spans(found: list[Hole]) -> list[tuple[str, str]]:
    """Return first and last minute of holes as IST clock times."""
    return [tuple(clock(ms) for ms in (hole.first_ms, hole.last_ms)) for hole in found]  # type: ignore[misc]


def clock(ms: int) -> str:
    """Return an instant as an IST clock time."""
    return datetime.fromtimestamp(ms / 1000, IST).strftime("%H:%M")


def test_a_minute_in_which_any_instrument_of_the_underlying_has_a_bar_is_no_hole(nifty: Underlying) -> None:
    day = date(2026, 2, 2)
    minutes = list(session(day).bucket_starts)
    store("NIFTY", "CE", [*minutes[:100:2], *minutes[120:]])
    store("NIFTY", "SPOT", minutes[1:100:2])
    store("BANKNIFTY", "CE", minutes)
    assert spans(holes(nifty, day, day)) == [("10:55", "11:14")]


def test_closed_days_have_no_holes_and_a_sunday_with_a_session_has(nifty: Underlying) -> None:
    found = holes(nifty, date(2026, 1, 24), date(2026, 2, 1))
    days = [hole.session.date for hole in found]
    assert days == [*(date(2026, 1, day) for day in (27, 28, 29, 30)), date(2026, 2, 1)]  # Monday 26th: a holiday
    assert {hole.minutes for hole in found} == {375}


def test_the_break_of_a_split_session_is_no_hole_and_none_spans_it(nifty: Underlying) -> None:
    day = date(2021, 2, 24)  # 09:15 to 11:40, 15:45 to 17:00
    found = holes(nifty, day, day)
    assert spans(found) == [("09:15", "11:39"), ("15:45", "16:59")]
    assert [(clock(hole.from_ms), clock(hole.to_ms)) for hole in found] == [("09:15", "11:40"), ("15:45", "17:00")]


def test_today_is_looked_at_up_to_the_minutes_that_have_settled(nifty: Underlying) -> None:
    day = date(2026, 2, 2)
    minutes = list(session(day).bucket_starts)
    store("NIFTY", "CE", minutes[:45])  # until 10:00
    assert spans(holes(nifty, day, day, ist("2026-02-02 10:03:59"))) == []
    assert spans(holes(nifty, day, day, ist("2026-02-02 10:04:00"))) == [("10:00", "10:00")]
    assert spans(holes(nifty, day, day, ist("2026-02-02 10:30:10"))) == [("10:00", "10:26")]
    assert spans(holes(nifty, day, day, ist("2026-02-02 15:32:00"))) == [("10:00", "15:29")]


def test_days_to_come_have_no_holes(nifty: Underlying) -> None:
    now = ist("2026-02-02 09:17:30")
    assert holes(nifty, date(2026, 2, 2), date(2026, 2, 27), now) == []


def test_a_simulated_session_has_holes_only_for_those_who_ask_for_them(nifty: Underlying) -> None:
    day = date(2026, 2, 2)
    TradingSession.objects.filter(exchange="NSE", date=day).update(kind=SessionKind.SIMULATED)
    assert holes(nifty, day, day) == []
    calendar = calendar_of(exchange="NSE")
    asked = find_holes(underlying=nifty, calendar=calendar, first=day, last=day, now_ms=LATER, simulated=True)
    assert spans(asked) == [("09:15", "15:29")]


def test_contracts_that_expired_within_the_range_count_too(nifty: Underlying) -> None:
    key = ContractKey("NIFTY", "PE", date(2026, 2, 3), 24_000.0)
    ensure_instruments(keys=[key], seen_on=date(2026, 2, 2))
    for day in (date(2026, 2, 2), date(2026, 2, 3)):
        store("NIFTY", "PE", list(session(day).bucket_starts))
    found = holes(nifty, date(2026, 2, 2), date(2026, 2, 4))
    assert [hole.session.date for hole in found] == [date(2026, 2, 4)]


def test_a_month_takes_one_query_like_a_day(
    nifty: Underlying, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    calendar = calendar_of(exchange="NSE")
    store("NIFTY", "CE", list(session(date(2026, 2, 2)).bucket_starts)[::3])
    for last in (date(2026, 2, 2), date(2026, 2, 27)):
        with django_assert_num_queries(1):
            find_holes(underlying=nifty, calendar=calendar, first=date(2026, 2, 2), last=last, now_ms=LATER)


def test_every_missing_minute_of_a_month_is_in_one_hole(nifty: Underlying) -> None:
    days = [date(2026, 2, number) for number in range(1, 28)]
    sessions = calendar_of(exchange="NSE").sessions_between(days[0], days[-1])
    minutes = [minute for one in sessions for minute in one.bucket_starts]
    held = [minute for minute in minutes if hash((minute.day, minute.hour, minute.minute // 7)) % 3]
    store("NIFTY", "CE", held)
    assert len(sessions) == 21  # a Sunday among them
    found = holes(nifty, days[0], days[-1])
    covered = [ms for hole in found for ms in range(hole.first_ms, hole.last_ms + 1, 60_000)]
    assert covered == [to_ms(minute) for minute in minutes if minute not in set(held)]
    assert all(ist_date(datetime.fromtimestamp(hole.first_ms / 1000, IST)) == hole.session.date for hole in found)
