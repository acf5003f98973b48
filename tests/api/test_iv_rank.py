"""IV rank and percentile of `/fo/smile` from stored minutes, against plain counting."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from fo_analytics.domain.calendar import from_ms
from fo_analytics.models import ChainMetric, TradingSession, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.instruments import ensure_instruments
from tests.api.alike import queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, SYMBOL, forget_everything, ist
from tests.api.two_days import CLOSED

EARLY = date(2026, 1, 20)
SUNDAY = date(2026, 2, 1)


def iv_of(label: str, day: date) -> float:
    """Return what is stored of a label at a session's end, fraction a year."""
    return 0.10 + 0.01 * (day.toordinal() * 7 % 11) + (0.05 if label == "NWeek+1" else 0.0)


def bearer(label: str, day: date) -> date:
    """Return the expiry that bore a label at a session's close: an expiry is gone on its own day."""
    alive = [expiry for expiry in (EARLY, NEAR, FAR) if expiry > day]
    return alive[int(label[-1])]


def minute(day: date, clock: str, expiry: date, iv: float | None) -> ChainMetric:
    """Return a stored minute."""
    nifty = Underlying.objects.get(symbol=SYMBOL)
    return ChainMetric(
        underlying=nifty, expiry=expiry, time=from_ms(ist(f"{day} {clock}")), forward_source="parity", atm_iv=iv
    )


@pytest.fixture(scope="module")
def history(two_days: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[date]]:
    """January's sessions, each with a last minute and one before that does not count; the 12th's is null.

    On the day of EARLY the expiry that ends has the highest volatility of all, and it does not count either."""
    with django_db_blocker.unblock():
        keys = [ContractKey(SYMBOL, kind, EARLY, 25_000.0) for kind in ("CE", "PE")]
        ensure_instruments(keys=keys, seen_on=date(2026, 1, 1))
        ChainMetric.objects.filter(time__lt=from_ms(ist("2026-02-02 00:00:00"))).delete()
        found = TradingSession.objects.filter(exchange="NSE", date__gte="2026-01-01", date__lte=SUNDAY)
        days = sorted(found.values_list("date", flat=True))
        rows = []
        for day in days:
            for label in ("NWeek+0", "NWeek+1"):
                iv = None if day == date(2026, 1, 12) else iv_of(label, day)
                expiry = bearer(label, day)
                rows += [minute(day, "15:28:00", expiry, 0.9), minute(day, "15:29:00", expiry, iv)]
        rows.append(minute(EARLY, "15:29:00", EARLY, 0.7))
        ChainMetric.objects.bulk_create(rows)
        forget_everything()
        yield days


def rank_of(ask: Asker, **parameters: Any) -> tuple[float, Json]:
    """Return the ATM volatility and its rank."""
    (smile,) = ask("/fo/smile", underlying=SYMBOL, **parameters).body["smiles"]
    return float(smile["atm_iv"]), dict(smile["rank"])


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
@pytest.mark.parametrize(("expiry", "label"), [("NWeek+0", "NWeek+0"), (str(NEAR), "NWeek+0"), ("nweek 1", "NWeek+1")])
def test_a_label_is_ranked_among_its_values_at_the_sessions_ends(
    ask: Asker, history: list[date], expiry: str, label: str, at: dict[str, str]
) -> None:
    now, rank = rank_of(ask, expiry=expiry, rank_days=len(history), **at)
    known = [iv_of(label, day) for day in history if day != date(2026, 1, 12)]
    low, high = min([*known, now]), max([*known, now])
    assert (rank["label"], rank["days"], rank["known_days"]) == (label, len(history), len(known))
    assert (rank["first"], rank["last"]) == (str(history[0]), str(SUNDAY))
    assert rank["iv_rank"] == pytest.approx(100 * (now - low) / (high - low))
    assert rank["iv_percentile"] == pytest.approx(100 * sum(iv < now for iv in known) / len(known))
    assert rank["reason"] is None


def test_a_longer_window_has_more_sessions_and_no_more_known_ones(ask: Asker, history: list[date]) -> None:
    _, short = rank_of(ask, rank_days=len(history))
    _, long = rank_of(ask)
    assert (long["days"], long["known_days"]) == (252, short["known_days"])
    assert (long["iv_rank"], long["iv_percentile"]) == (short["iv_rank"], short["iv_percentile"])


def test_fewer_than_twenty_known_days_are_no_window(ask: Asker, history: list[date]) -> None:
    assert date(2026, 1, 12) in history[-20:]
    _, rank = rank_of(ask, rank_days=20)
    assert (rank["iv_rank"], rank["iv_percentile"], rank["reason"]) == (None, None, "fewer_than_20_days")
    assert (rank["days"], rank["known_days"]) == (20, 19)


@pytest.mark.parametrize("path", ["smile", "snapshot"])
@pytest.mark.parametrize("days", [1, 19])
def test_a_window_in_which_no_rank_can_be_is_refused_with_the_least(
    ask: Asker, history: list[date], path: str, days: int
) -> None:
    problem = ask(f"/fo/{path}", underlying=SYMBOL, rank_days=days).problem(400)
    assert "at least 20" in problem["rank_days"]["message"]


def test_a_rank_is_that_of_the_days_before_the_instant(ask: Asker, history: list[date]) -> None:
    _, rank = rank_of(ask, at=CLOSED, rank_days=20)
    assert [rank["first"], rank["last"]] == [str(history[-20]), str(history[-1])]
    assert history[-1] == SUNDAY


def test_the_exchanges_convention_is_not_ranked_among_exact_values(ask: Asker, history: list[date]) -> None:
    _, rank = rank_of(ask, convention="nse", rank_days=len(history))
    assert (rank["iv_rank"], rank["reason"]) == (None, "exact_only")


def test_the_length_of_the_window_does_not_change_the_number_of_queries(ask: Asker, history: list[date]) -> None:
    both = ["NWeek+0", "NWeek+1"]
    few = queries_of(lambda: ask("/fo/smile", underlying=SYMBOL, rank_days=20))
    many = queries_of(lambda: ask("/fo/smile", underlying=SYMBOL, rank_days=len(history), expiry=both))
    assert few == many
