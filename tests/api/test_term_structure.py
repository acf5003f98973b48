"""`/fo/term-structure`: variance over time, against the strike distribution and the way the market was made."""

import math
from typing import Any

import pytest

from tests.api.alike import assert_alike, queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, SILENT, YEAR_MS, ist
from tests.api.two_days import CALLS, CLOSED, NOW, sigma, years

pytestmark = pytest.mark.usefixtures("two_days")

EVERY = [str(day) for day in (NEAR, FAR, CALLS, SILENT)]


def rows(ask: Asker, **parameters: Any) -> list[Json]:
    """Return the rows of an answer."""
    return list(ask("/fo/term-structure", underlying="NIFTY", **parameters).body["expiries"])


def test_every_expiry_alive_is_a_row_in_order_of_time(ask: Asker) -> None:
    assert [row["expiry"] for row in rows(ask)] == EVERY
    assert [row["expiry"] for row in rows(ask, at="2026-02-03T15:30:00")] == EVERY[1:]


def test_chosen_expiries_come_in_order_of_time(ask: Asker) -> None:
    assert [row["expiry"] for row in rows(ask, expiry=["NWeek+1", str(NEAR)])] == EVERY[:2]


def test_variance_is_that_of_the_market_as_it_was_made(ask: Asker) -> None:
    near, far = rows(ask)[:2]
    variance = {day: sigma(day, 25_000.0) ** 2 * years(day, NOW) for day in (NEAR, FAR)}
    assert near["total_variance"] == pytest.approx(variance[NEAR], rel=1e-6)
    assert near["forward_variance"] == pytest.approx(sigma(NEAR, 25_000.0) ** 2, rel=1e-6)
    between = (variance[FAR] - variance[NEAR]) / (years(FAR, NOW) - years(NEAR, NOW))
    assert far["forward_variance"] == pytest.approx(between, rel=1e-6)
    assert far["forward_iv"] == pytest.approx(math.sqrt(between), rel=1e-6)
    assert far["calendar_arbitrage"] is False


def test_variance_that_falls_with_time_is_flagged_and_has_no_forward_volatility(ask: Asker) -> None:
    calls = rows(ask)[2]
    assert calls["forward_variance"] < 0
    assert (calls["forward_iv"], calls["calendar_arbitrage"]) == (None, True)


@pytest.mark.parametrize("convention", ["exact", "nse"])
@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_rows_agree_with_the_strike_distribution(ask: Asker, at: dict[str, str], convention: str) -> None:
    chains = ask.chains(expiry=EVERY, convention=convention, **at).body["chains"]
    variance_before = time_before = 0.0
    for row, chain in zip(rows(ask, convention=convention, **at), chains, strict=True):
        same = ("expiry", "labels", "ts_event", "forward", "atm_iv", "atm_strike", "straddle", "epoch", "seq")
        assert {name: row[name] for name in same} == {name: chain[name] for name in same}
        if chain["atm_iv"] is None:
            assert (row["total_variance"], row["forward_variance"], row["calendar_arbitrage"]) == (None, None, None)
            continue
        time = row["days"] / 365 if convention == "nse" else (chain["ts_expiry"] - chain["ts_event"]) / YEAR_MS
        variance = chain["atm_iv"] ** 2 * time
        between = (variance - variance_before) / (time - time_before)
        assert row["years"] == pytest.approx(time)
        assert row["forward_variance"] == pytest.approx(between)
        variance_before, time_before = variance, time


def test_an_expiry_that_never_ticked_is_a_row_of_nulls_with_the_reason(ask: Asker) -> None:
    silent = rows(ask)[-1]
    assert (silent["reason"], silent["atm_iv"], silent["forward_iv"], silent["straddle"]) == (
        "no_forward", None, None, None,
    )  # fmt: skip


def test_an_expired_expiry_that_is_asked_for_is_null_and_does_not_disturb_the_others(ask: Asker) -> None:
    expired, far = rows(ask, at="2026-02-03T15:30:00", expiry=[str(FAR), str(NEAR)])
    assert (expired["expiry"], expired["reason"], expired["total_variance"]) == (str(NEAR), "expired", None)
    assert far["reason"] == "no_forward"


def test_before_anything_was_listed_there_are_no_rows(ask: Asker) -> None:
    assert rows(ask, at="2025-06-02T10:00") == []


def test_live_and_just_after_the_minute_closed_the_numbers_are_the_same(ask: Asker) -> None:
    assert_alike(rows(ask, expiry=EVERY[:3]), rows(ask, expiry=EVERY[:3], at=CLOSED))
    assert ask("/fo/term-structure", underlying="NIFTY", at=CLOSED).body["ts_event"] == ist("2026-02-02 10:17:00")


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_the_number_of_expiries_does_not_change_the_number_of_queries(ask: Asker, at: dict[str, str]) -> None:
    silent = queries_of(lambda: rows(ask, expiry=[str(SILENT)], **at))
    assert silent == queries_of(lambda: rows(ask, **at)) <= 9


def test_junk_is_refused_by_name(ask: Asker) -> None:
    for parameter in ("levels", "rank_days", "window"):
        assert set(ask("/fo/term-structure", underlying="NIFTY", **{parameter: 1}).problem(400)) == {parameter}
