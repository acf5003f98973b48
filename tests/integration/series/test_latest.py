"""The newest state of every contract equals a plain walk over the stored minutes, in one statement."""

from datetime import date, time, timedelta
from typing import Any

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.domain.calendar import ist_instant, to_ms
from fo_analytics.models import Bar, Underlying
from fo_analytics.selectors.latest import Latest, latest_states
from tests.integration.series import market

VALUES = ("oi", "bid", "ask", "bid_qty", "volume", "forward", "iv", "delta", "gamma", "theta", "vega", "rho")


@pytest.fixture
def owner(stored: None, db: None) -> Underlying:
    """The market's underlying."""
    return Underlying.objects.get(symbol=market.SYMBOL)


def at(day: date, clock: str) -> int:
    """Return an IST clock time as ms UTC."""
    return to_ms(ist_instant(day, time.fromisoformat(clock)))


def recomputed(day: date, as_of_ms: int) -> dict[int, dict[str, Any]]:
    """Return by instrument what its minutes of a day say that had closed at an instant."""
    found: dict[int, dict[str, Any]] = {}
    opens = market.known_calendar().session_on(day)
    assert opens is not None
    for bar in Bar.objects.filter(time__gte=opens.opens_at).order_by("time"):
        if to_ms(bar.time + timedelta(minutes=1)) > as_of_ms:
            continue
        close = found.get(bar.instrument_id, {}).get("close") if bar.close is None else bar.close
        found[bar.instrument_id] = {"close": close, "time_ms": to_ms(bar.time)}
        found[bar.instrument_id] |= {name: getattr(bar, name) for name in VALUES}
    return found


def by_instrument(latest: Latest) -> dict[int, dict[str, Any]]:
    """Return the same of an answer."""
    columns = {"time_ms": latest.stamps["time_ms"], **{name: latest.values[name] for name in ("close", *VALUES)}}
    return {
        contract.instrument_id: {name: None if np.isnan(column[n]) else column[n] for name, column in columns.items()}
        for n, contract in enumerate(latest.contracts)
    }


@pytest.mark.parametrize(
    ("day", "clock"),
    [(market.MONDAY, "09:20"), (market.TUESDAY, "13:00"), (market.TUESDAY, "15:45"), (market.WEDNESDAY, "11:11")],
)
def test_the_newest_state_is_what_the_closed_minutes_of_the_session_say(
    owner: Underlying, day: date, clock: str
) -> None:
    latest = latest_states(underlying=owner, as_of_ms=at(day, clock))
    expected = recomputed(day, at(day, clock))
    assert expected
    assert by_instrument(latest) == expected


def test_before_the_first_minute_has_closed_nothing_is_known(owner: Underlying) -> None:
    assert latest_states(underlying=owner, as_of_ms=at(market.TUESDAY, "09:15")).contracts == ()


def test_before_the_first_session_nothing_is_known(owner: Underlying) -> None:
    assert latest_states(underlying=owner, as_of_ms=at(date(2001, 1, 1), "10:00")).contracts == ()


def test_one_statement_reads_the_state_of_everything(
    owner: Underlying, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    instant = at(market.TUESDAY, "15:00")
    latest_states(underlying=owner, as_of_ms=instant)  # reference data is remembered
    with django_assert_num_queries(1):
        assert len(latest_states(underlying=owner, as_of_ms=instant).contracts) > 30
