"""Open interest in the strike distribution: how it changed since the previous session, and what that stands for."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, STRIKES, UNSEEN, Contract, forget_everything
from tests.api.two_days import BEFORE, BLIND, CLOSED, EMPTY, GREW, HIDDEN, NEW, NOW, SUNDAY_CLOSE, last_at, oi_at

pytestmark = pytest.mark.usefixtures("two_days")


KINDS = {"call": "CE", "put": "PE"}
SEEN = [
    (day, kind, strike)
    for day in (NEAR, FAR)
    for strike in STRIKES
    for kind in ("CE", "PE")
    if (day, kind, strike) not in (UNSEEN, NEW, GREW, EMPTY, BLIND) and (day, strike) != HIDDEN
]


def word(price: float, oi: float) -> str:
    """Return what two changes stand for, by the four words of the conventions."""
    if price == 0 or oi == 0:
        return "none"
    rising, falling = ("long_build_up", "short_covering"), ("short_build_up", "long_unwinding")
    return (rising if price > 0 else falling)[oi < 0]


def cells(ask: Asker, **parameters: object) -> dict[Contract, Json]:
    """Return every contract of both expiries."""
    body = ask.chains(expiry=[str(NEAR), str(FAR)], **parameters).body
    return {
        (day, kind, row["strike"]): row[side]
        for day, chain in zip((NEAR, FAR), body["chains"], strict=True)
        for row in chain["strikes"]
        for side, kind in KINDS.items()
    }


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_open_interest_is_compared_with_the_previous_sessions_last_minute(ask: Asker, at: dict[str, str]) -> None:
    found = cells(ask, **at)
    words = set()
    for contract in SEEN:
        now, before = oi_at(contract, NOW), oi_at(contract, BEFORE)
        assert now is not None
        assert before is not None
        cell = found[contract]
        assert cell["oi_change"] == now - before
        assert cell["oi_change_percent"] == pytest.approx(100 * (now - before) / before)
        assert cell["build_up"] == word(last_at(contract, NOW) - last_at(contract, BEFORE), now - before)
        words.add(cell["build_up"])
    assert words == {"long_build_up", "short_build_up", "short_covering", "long_unwinding", "none"}


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_the_reference_is_stamped_with_the_close_of_its_minute(ask: Asker, at: dict[str, str]) -> None:
    assert ask.chains(**at).chain["oi_reference_ts"] == SUNDAY_CLOSE


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_what_cannot_be_compared_is_null_and_zero_is_a_number(ask: Asker, at: dict[str, str]) -> None:
    found = cells(ask, **at)
    names = ("oi_change", "oi_change_percent", "build_up")
    assert [found[NEW][name] for name in names] == [None, None, None]
    assert [found[UNSEEN][name] for name in names] == [None, None, None]
    assert [found[EMPTY][name] for name in names] == [0, None, "none"]
    grown = oi_at(GREW, NOW)
    rose = last_at(GREW, NOW) > last_at(GREW, BEFORE)
    expected = "long_build_up" if rose else "short_build_up"
    assert [found[GREW][name] for name in names] == [grown, None, expected]


def test_without_a_previous_session_nothing_has_changed_by_a_known_amount(ask: Asker) -> None:
    chain = ask.chains(at="2026-02-01T15:30:00").chain
    assert chain["oi_reference_ts"] is None
    assert {row["call"]["oi_change"] for row in chain["strikes"]} == {None}
    assert {row["call"]["build_up"] for row in chain["strikes"]} == {None}


def test_the_reference_is_asked_for_once_a_while_not_once_a_request(ask: Asker) -> None:
    forget_everything()
    ask.chains()
    with CaptureQueriesContext(connection) as queries:
        ask.chains()
        ask.chains()
    assert [query["sql"] for query in queries if '"bar"' in query["sql"] or "FROM bar" in query["sql"]] == []


def test_the_number_of_expiries_does_not_change_the_number_of_queries(ask: Asker) -> None:
    counts = []
    for at in ({}, {"at": CLOSED}):
        for expiry in (["NWeek+0"], ["NWeek+0", "NWeek+1"]):
            forget_everything()
            with CaptureQueriesContext(connection) as queries:
                ask.chains(expiry=expiry, **at)
            counts.append(len(queries))
    assert counts[0] == counts[1] <= 10
    assert counts[2] == counts[3] <= 10


def test_a_build_up_comes_with_the_thresholds_it_was_told_by(ask: Asker) -> None:
    snapshot = ask("/fo/snapshot", underlying="NIFTY").body
    for told in (ask.chains().chain, snapshot["chain"], snapshot["oi_change"]):
        assert (told["price_threshold"], told["oi_threshold"]) == (0.0, 0.0)
