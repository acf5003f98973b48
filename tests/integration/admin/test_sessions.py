"""Sessions, edited by staff: what is no session is refused with a message, what is one takes effect."""

from typing import Any

import pytest
from django.test import Client

from fo_analytics.models import SessionInterval, TradingSession
from fo_analytics.selectors.sessions import calendar_of

ADD = "/admin/fo_analytics/tradingsession/add/"
DAY = "2027-03-06"  # a Saturday after the last session known today
MORNING = (f"{DAY} 09:15", f"{DAY} 11:15")
EVENING = (f"{DAY} 13:30", f"{DAY} 15:30")

pytestmark = pytest.mark.usefixtures("db")


def form(*intervals: tuple[str, str], **changed: str) -> dict[str, str]:
    """Return a session as its form sends it, with intervals in IST."""
    fields = {
        "exchange": "NSE",
        "segment": "FO",
        "date": DAY,
        "kind": "weekend",
        "expires_at_0": DAY,
        "expires_at_1": "15:30",
        "intervals-TOTAL_FORMS": str(len(intervals)),
        "intervals-INITIAL_FORMS": "0",
    }
    for row, interval in enumerate(intervals):
        for name, instant in zip(("opens_at", "closes_at"), interval, strict=True):
            fields |= dict(
                zip((f"intervals-{row}-{name}_0", f"intervals-{row}-{name}_1"), instant.split(), strict=True)
            )
    return {**fields, **changed}


def refusal(staff: Client, fields: dict[str, str], page: str = ADD) -> str:
    """Send a form that is to be refused; return the messages."""
    before = list(TradingSession.objects.filter(date=DAY).values())
    answer = staff.post(page, fields)
    assert answer.status_code == 200
    assert list(TradingSession.objects.filter(date=DAY).values()) == before
    context: Any = answer.context
    return " ".join(str(message) for message in context["errors"])


def saved(staff: Client, *intervals: tuple[str, str]) -> TradingSession:
    """Send a form that is to be accepted; return the session."""
    assert staff.post(ADD, form(*intervals)).status_code == 302
    return TradingSession.objects.get(date=DAY)


def test_a_session_of_two_intervals_takes_effect(staff: Client) -> None:
    session = saved(staff, EVENING, MORNING)
    found = calendar_of(exchange="NSE").session_on(session.date)
    assert found is not None
    assert [interval.minutes for interval in found.intervals] == [120, 120]
    assert found.kind == "weekend"


def test_a_session_without_an_interval_is_refused(staff: Client) -> None:
    assert "at least one interval" in refusal(staff, form())


def test_intervals_that_overlap_are_refused(staff: Client) -> None:
    overlapping = (f"{DAY} 11:14", f"{DAY} 12:30")
    assert "overlap" in refusal(staff, form(MORNING, overlapping))
    assert "overlap" in refusal(staff, form(overlapping, MORNING))


def test_intervals_that_touch_are_none_that_overlap(staff: Client) -> None:
    assert saved(staff, MORNING, (f"{DAY} 11:15", f"{DAY} 12:30")).intervals.count() == 2


@pytest.mark.parametrize("closes", ["09:15", "09:14"])
def test_an_interval_that_does_not_close_after_it_opens_is_refused(staff: Client, closes: str) -> None:
    assert "interval_order" in refusal(staff, form((f"{DAY} 09:15", f"{DAY} {closes}")))


def test_an_interval_of_a_part_of_a_minute_is_refused(staff: Client) -> None:
    assert "whole minutes" in refusal(staff, form((f"{DAY} 09:15:30", f"{DAY} 11:15")))


@pytest.mark.parametrize("opens", ["2027-03-05 23:30", "2027-03-07 00:00", "2027-03-07 09:15"])
def test_an_interval_that_opens_on_another_day_of_the_exchange_is_refused(staff: Client, opens: str) -> None:
    closes = "2027-03-07 11:15"
    assert "2027-03-06" in refusal(staff, form((opens, closes)))


def test_an_interval_that_opens_on_the_exchanges_day_before_utc_does_is_accepted(staff: Client) -> None:
    assert saved(staff, ("2027-03-06 00:00", "2027-03-06 01:30")).intervals.count() == 1


def test_an_expiry_instant_of_another_day_is_refused(staff: Client) -> None:
    assert "2027-03-06" in refusal(staff, form(MORNING, expires_at_0="2027-03-08"))


def test_a_second_session_of_a_day_is_refused(staff: Client) -> None:
    saved(staff, MORNING)
    assert "already exists" in refusal(staff, form(EVENING))


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "party"), ("date", "someday"), ("exchange", ""), ("expires_at_1", "")]
)
def test_a_field_of_junk_is_refused(staff: Client, field: str, value: str) -> None:
    assert refusal(staff, form(MORNING, **{field: value}))


def test_the_last_interval_of_a_session_cannot_be_taken_away(staff: Client) -> None:
    session = saved(staff, MORNING)
    interval = SessionInterval.objects.get(session=session)
    fields = form(MORNING) | {
        "intervals-INITIAL_FORMS": "1",
        "intervals-0-id": str(interval.pk),
        "intervals-0-session": str(session.pk),
        "intervals-0-DELETE": "on",
    }
    assert "at least one interval" in refusal(staff, fields, f"/admin/fo_analytics/tradingsession/{session.pk}/change/")
    assert SessionInterval.objects.filter(session=session).count() == 1


def test_a_session_that_is_deleted_leaves_a_closed_day(staff: Client) -> None:
    session = TradingSession.objects.get(exchange="NSE", date="2026-02-03")
    page = f"/admin/fo_analytics/tradingsession/{session.pk}/delete/"
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert calendar_of(exchange="NSE").session_on(session.date) is None
