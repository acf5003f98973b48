"""`at=`: the chain as it stood at a past instant, from minutes that had closed by then."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.asking import Asker
from tests.api.market import (
    FAR,
    FIRST,
    LAST,
    NEAR,
    SIGMA,
    fair_price,
    forget_everything,
    forward,
    ist,
    list_contracts,
    traded,
)

pytestmark = pytest.mark.usefixtures("market")

AFTER_TWO_MINUTES = ist("2026-02-02 10:02:00")


def test_a_past_chain_comes_from_bars_and_names_no_live_state(ask: Asker) -> None:
    chain = ask.chains(at="2026-02-02T10:02").chain
    assert (chain["source"], chain["epoch"], chain["seq"]) == ("bars", None, None)
    assert chain["ts_event"] == AFTER_TWO_MINUTES


def test_only_minutes_that_had_closed_by_then_count(ask: Asker) -> None:
    contract = (NEAR, "CE", 25_100.0)
    for at, ts in (
        ("2026-02-02T10:01:59", FIRST),
        ("2026-02-02T10:02", FIRST + 60_000),
        ("2026-02-02T10:03", LAST),
    ):
        cell = ask.chains(at=at).side(25_100.0, "call")
        assert (cell["last_ts"], cell["volume"]) == (ts, traded(contract, ts))
        assert cell["last"] == pytest.approx(fair_price(contract, ts))


def test_ages_are_counted_from_the_instant_asked_for(ask: Asker) -> None:
    answer = ask.chains(at="2026-02-02T10:02")
    cell = answer.side(25_100.0, "call")
    age = AFTER_TWO_MINUTES - (FIRST + 60_000)
    assert (cell["age_ms"], cell["quote_age_ms"], cell["oi_age_ms"]) == (age, age, age)
    assert answer.chain["spot_age_ms"] == age


def test_volatility_is_computed_for_the_instant_asked_for(ask: Asker) -> None:
    answer = ask.chains(at="2026-02-02T10:02", expiry="NWeek+1")
    assert answer.side(25_100.0, "call")["iv"] == pytest.approx(SIGMA, abs=1e-4)
    assert answer.chain["forward"] == pytest.approx(forward(FAR, FIRST + 60_000), abs=0.01)


@pytest.mark.parametrize(
    "at",
    [
        AFTER_TWO_MINUTES // 1000,
        "2026-02-02T10:02:00",
        "2026-02-02 10:02:00",
        "2026-02-02T10:02:00+05:30",
        "2026-02-02T10:02:00 05:30",
        "2026-02-02T04:32:00Z",
        "2026-02-02T04:32:00.000+00:00",
    ],
)
def test_an_instant_may_be_written_in_many_ways(ask: Asker, at: object) -> None:
    assert ask.chains(at=at).body["ts_event"] == AFTER_TWO_MINUTES


def test_before_the_first_closed_minute_contracts_are_listed_and_nothing_is_known(ask: Asker) -> None:
    chain = ask.chains(at="2026-02-02T10:00:59").chain
    assert (chain["forward"], chain["forward_source"], chain["atm_strike"]) == (None, "none", None)
    assert {row["call"]["iv_reason"] for row in chain["strikes"]} == {"no_price"}
    assert {row["call"]["moneyness"] for row in chain["strikes"]} == {None}


def test_before_anything_was_listed_there_is_a_reason(ask: Asker) -> None:
    assert "listed" in ask.chains(at="2025-06-02T10:00").problem(400)["expiry"]["message"]


def test_at_the_expiry_instant_the_first_label_is_the_next_expiry(ask: Asker) -> None:
    for at, expiry in (("2026-02-03T15:29:59", NEAR), ("2026-02-03T15:30:00", FAR)):
        assert ask.chains(at=at, expiry="NWeek+0").chain["expiry"] == expiry.isoformat()


def test_a_chain_past_its_expiry_instant_has_no_volatility_and_says_so(ask: Asker) -> None:
    answer = ask.chains(at="2026-02-03T15:30:00", expiry=NEAR.isoformat())
    cell = answer.side(25_000.0, "call")
    assert (answer.chain["expired"], answer.chain["labels"]) == (True, [])
    assert (cell["iv"], cell["iv_reason"], cell["delta"]) == (None, "expired", None)


def test_yesterdays_prices_are_not_todays(ask: Asker) -> None:
    cell = ask.chains(at="2026-02-03T09:15", expiry=NEAR.isoformat()).side(25_000.0, "call")
    assert (cell["last"], cell["volume"]) == (None, None)


def test_queries_do_not_grow_with_the_strikes(ask: Asker) -> None:
    counts, shown = [], []
    for extra in ((), [25_550.0 + 100 * rung for rung in range(20)]):
        list_contracts(strikes=extra)
        forget_everything()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown.append(len(ask.chains(at="2026-02-02T10:02").strikes))
        counts.append(len(queries))
    forget_everything()
    assert shown == [11, 31]
    assert counts[0] == counts[1] <= 10


def test_a_live_chain_asks_the_database_nothing_that_was_asked_a_moment_ago(ask: Asker) -> None:
    ask.chains(expiry=["NWeek+1", "NWeek+0"])
    with CaptureQueriesContext(connection) as queries:
        ask.chains(expiry=["NWeek+0", "NWeek+1"])
    assert len(queries) == 0
