"""Whether the spot is used is decided once per instant: for every expiry alike, in the past as it was live."""

from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.asking import Answer, Asker
from tests.api.market import FAR, LAST, NEAR, SILENT, SPOT, Snapshot, feed, list_contracts, snapshot

pytestmark = pytest.mark.usefixtures("empty")

EVERY = [day.isoformat() for day in (NEAR, FAR, SILENT)]
CLOSED = "2026-02-02T10:03"
USE = ("spot", "spot_used", "spot_contradicts_parity")


def with_spot(market: Snapshot, price: float) -> Snapshot:
    """Return a snapshot with another price of the index."""
    ts, ticks = market
    return ts, [replace(tick, last=price) if tick.key.kind == "SPOT" else tick for tick in ticks]


def without_pairs(market: Snapshot, expiry: date) -> Snapshot:
    """Return a snapshot in which only calls of an expiry are traded."""
    ts, ticks = market
    return ts, [tick for tick in ticks if (tick.key.expiry, tick.key.kind) != (expiry, "PE")]


def uses(answer: Answer) -> dict[str, tuple[object, ...]]:
    """Return what each chain of an answer says of the spot."""
    return {chain["expiry"]: tuple(chain[name] for name in USE) for chain in answer.body["chains"]}


@pytest.mark.parametrize("expiry", EVERY)
def test_a_spot_that_the_nearest_expiry_contradicts_is_used_for_no_expiry_of_the_past(ask: Asker, expiry: str) -> None:
    list_contracts()
    feed([with_spot(snapshot(LAST), SPOT * 1.05)])
    answer = ask.chains(at=CLOSED, expiry=expiry, convention="nse")
    assert uses(answer) == {expiry: (SPOT * 1.05, False, True)}
    assert {row["call"]["iv"] for row in answer.chain["strikes"]} == {None}


@pytest.mark.parametrize("expiry", [NEAR.isoformat(), FAR.isoformat()])
def test_where_the_nearest_expiry_has_no_pairs_the_next_one_that_has_decides(ask: Asker, expiry: str) -> None:
    list_contracts()
    feed([with_spot(without_pairs(snapshot(LAST), NEAR), SPOT * 1.05)])
    answer = ask.chains(at=CLOSED, expiry=expiry)
    assert uses(answer) == {expiry: (SPOT * 1.05, False, True)}
    assert answer.chain["forward_source"] == ("none" if expiry == NEAR.isoformat() else "parity")


def test_a_far_forward_that_carries_dividends_contradicts_nothing(ask: Asker) -> None:
    ts, near = snapshot(LAST, expiries=(NEAR,))
    feed([(ts, [*near, *snapshot(LAST, spot=SPOT * 0.95, expiries=(FAR,))[1][:-1]])])
    for expiry in (NEAR.isoformat(), FAR.isoformat()):
        assert uses(ask.chains(at=CLOSED, expiry=expiry)) == {expiry: (SPOT, True, False)}


@pytest.mark.parametrize("price", [SPOT, SPOT * 1.05])
@pytest.mark.parametrize("silent", [None, NEAR])
def test_the_past_says_of_the_spot_what_was_live_then(ask: Asker, price: float, silent: date | None) -> None:
    market = with_spot(snapshot(LAST), price)
    feed([without_pairs(market, silent) if silent else market])
    asked = {"expiry": EVERY[:2]}
    live, past = ask.chains(**asked), ask.chains(**asked, at=CLOSED)
    assert [chain["source"] for chain in (*live.body["chains"], *past.body["chains"])] == ["live"] * 2 + ["bars"] * 2
    assert uses(live) == uses(past)
    assert set(uses(past).values()) == {(price, price == SPOT, price != SPOT)}


def test_a_spot_too_old_to_be_used_is_no_reason_to_look_at_other_expiries(ask: Asker) -> None:
    feed([without_pairs(snapshot(LAST), NEAR)])
    assert readings(ask, at="2026-02-02T10:04") == 1


def test_bars_are_read_once_whichever_expiries_are_asked_for(ask: Asker) -> None:
    list_contracts()
    feed([snapshot(LAST)])
    assert [readings(ask, at=CLOSED, expiry=expiry) for expiry in (EVERY[:1], EVERY[1:], EVERY)] == [1, 1, 1]


def test_where_the_nearest_expiry_has_no_pairs_bars_are_read_once_more_for_all_others(ask: Asker) -> None:
    list_contracts()
    feed([without_pairs(snapshot(LAST), NEAR)])
    assert [readings(ask, at=CLOSED, expiry=expiry) for expiry in (EVERY[:1], EVERY)] == [2, 1]


def readings(ask: Asker, **asked: object) -> int:
    """Return how many statements it takes, all of them for bars: of reference data everything is remembered."""
    ask.chains(**asked)
    with CaptureQueriesContext(connection) as queries:
        assert ask.chains(**asked, option_side="call").status == 200
    return len(queries)
