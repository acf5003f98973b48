"""`/fo/smile`: points and measures against the volatilities the market was made with, and by bisection."""

import math
from typing import Any

import numpy as np
import pytest

from tests.api.alike import assert_alike, queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, SILENT, STRIKES, forward
from tests.api.two_days import BLIND, CALLS, CDF, CLOSED, HIDDEN, NOW, SPOTS, last_at, sigma, years

pytestmark = pytest.mark.usefixtures("two_days")

F, T = forward(NEAR, NOW, SPOTS[NOW]), years(NEAR, NOW)
WINGS = {"call_strike", "call_iv", "put_strike", "put_iv", "risk_reversal", "butterfly", "skew_slope"}


def smiles(ask: Asker, **parameters: Any) -> list[Json]:
    """Return the smiles of an answer."""
    return list(ask("/fo/smile", underlying="NIFTY", **parameters).body["smiles"])


def on_the_smile(strike: float) -> float:
    """Return the near expiry's volatility, linear in ln K between listed strikes."""
    return float(np.interp(math.log(strike), np.log(STRIKES), [sigma(NEAR, listed) for listed in STRIKES]))


def call_delta(strike: float) -> float:
    """Return N(d1) on the smile."""
    deviation = on_the_smile(strike) * math.sqrt(T)
    return CDF(math.log(F / strike) / deviation + deviation / 2)


def strike_of(delta: float) -> float:
    """Return the strike whose call has a delta, by bisection."""
    low, high = STRIKES[0], STRIKES[-1]
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if call_delta(middle) > delta else (low, middle)
    return low


def test_every_listed_strike_is_a_point_of_its_out_of_the_money_side(ask: Asker) -> None:
    (smile,) = smiles(ask)
    assert [point["strike"] for point in smile["points"]] == list(STRIKES)
    for point in smile["points"]:
        strike, side = point["strike"], "put" if point["strike"] <= F else "call"
        delta = call_delta(strike) - (side == "put")
        assert (point["side"], point["iv_reason"]) == (side, None)
        assert point["log_moneyness"] == pytest.approx(math.log(strike / F), abs=1e-9)
        assert point["iv"] == pytest.approx(sigma(NEAR, strike), abs=1e-7)
        assert point["delta"] == pytest.approx(delta, abs=1e-6)


def test_the_measures_are_those_of_the_25_delta_strikes(ask: Asker) -> None:
    (smile,) = smiles(ask)
    call, put = strike_of(0.25), strike_of(0.75)
    reversal = on_the_smile(call) - on_the_smile(put)
    expected = {
        "atm_iv": sigma(NEAR, 25_000.0),
        "call_strike": call,
        "put_strike": put,
        "call_iv": on_the_smile(call),
        "put_iv": on_the_smile(put),
        "risk_reversal": reversal,
        "butterfly": (on_the_smile(call) + on_the_smile(put)) / 2 - sigma(NEAR, 25_000.0),
        "skew_slope": reversal / math.log(call / put),
    }
    assert reversal < -0.001
    assert {name: smile[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert smile["reasons"] == {}


def test_straddle_and_expected_moves(ask: Asker) -> None:
    (smile,) = smiles(ask)
    paid = last_at((NEAR, "CE", 25_000.0), NOW) + last_at((NEAR, "PE", 25_000.0), NOW)
    assert smile["straddle"] == pytest.approx(paid)
    assert smile["expected_move"] == pytest.approx(0.85 * paid)
    assert smile["expected_move_by_volatility"] == pytest.approx(F * sigma(NEAR, 25_000.0) * math.sqrt(T))
    assert (smile["years"], smile["days"], smile["forward"]) == (pytest.approx(T), 1, pytest.approx(F))


def test_a_smile_agrees_with_the_strike_distribution_of_the_same_state(ask: Asker) -> None:
    for convention in ("exact", "nse"):
        (smile,), answer = smiles(ask, convention=convention), ask.chains(convention=convention)
        assert {name: smile[name] for name in ("epoch", "seq", "forward", "atm_iv", "straddle", "atm_strike")} == {
            name: answer.chain[name] for name in ("epoch", "seq", "forward", "atm_iv", "straddle", "atm_strike")
        }
        for point in smile["points"]:
            cell = answer.side(point["strike"], point["side"])
            assert (point["iv"], point["iv_reason"], point["delta"]) == (cell["iv"], cell["iv_reason"], cell["delta"])


def test_a_side_without_a_price_leaves_its_point_null_with_the_reason(ask: Asker) -> None:
    (smile,) = smiles(ask, expiry=str(FAR))
    points = {point["strike"]: point for point in smile["points"]}
    for strike in (BLIND[2], HIDDEN[1]):
        assert (points[strike]["iv"], points[strike]["iv_reason"]) == (None, "no_price")
    assert points[BLIND[2]]["delta"] is not None
    assert points[HIDDEN[1]]["delta"] is None


def test_of_a_chain_of_calls_the_puts_points_are_not_listed(ask: Asker) -> None:
    (smile,) = smiles(ask, expiry=str(CALLS))
    assert smile["forward_source"] == "spot"
    for point in smile["points"]:
        below = point["strike"] <= smile["forward"]
        assert (point["iv"] is None, point["iv_reason"]) == (below, "not_listed" if below else None)
    assert (smile["straddle"], smile["reasons"]["straddle"]) == (None, "no_mark")
    assert (smile["put_iv"], smile["reasons"]["put_iv"]) == (None, "wing_not_reached")


def test_what_never_ticked_is_null_with_the_reason(ask: Asker) -> None:
    (smile,) = smiles(ask, expiry=str(SILENT))
    assert (smile["reason"], smile["forward"], smile["atm_iv"]) == ("no_forward", None, None)
    assert set(smile["reasons"].values()) == {"no_forward"}
    assert {point["side"] for point in smile["points"]} == {None}


def test_an_expired_smile_says_so(ask: Asker) -> None:
    (smile,) = smiles(ask, at="2026-02-03T15:30:00", expiry=str(NEAR))
    assert (smile["expired"], smile["reason"], smile["years"], smile["rank"]["reason"]) == (
        True, "expired", None, "expired",
    )  # fmt: skip
    assert {smile["reasons"][name] for name in WINGS} == {"expired"}


def test_on_the_expiry_day_the_exchanges_convention_has_no_time_left(ask: Asker) -> None:
    (smile,) = smiles(ask, at="2026-02-03T10:00:00", expiry=str(NEAR), convention="nse")
    assert (smile["expired"], smile["reason"], smile["atm_iv"]) == (False, "expired", None)


def test_live_and_just_after_the_minute_closed_the_numbers_are_the_same(ask: Asker) -> None:
    both = [str(FAR), "NWeek+0"]
    live, past = smiles(ask, expiry=both), smiles(ask, expiry=both, at=CLOSED)
    assert [smile["source"] for smile in (*live, *past)] == ["live", "live", "bars", "bars"]
    assert_alike(live, past)


def test_expiries_may_be_labels_and_dates_in_any_order(ask: Asker) -> None:
    found = smiles(ask, expiry=[str(FAR), "NWeek 0", "nweek+1"])
    assert [smile["expiry"] for smile in found] == [str(FAR), str(NEAR)]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("expiry", "NWeek+99"),
        ("rank_days", 0),
        ("rank_days", "1.5"),
        ("rank_days", 1001),
        ("convention", "bs"),
        ("x", 1),
    ],
)
def test_junk_is_refused_by_name(ask: Asker, parameter: str, value: object) -> None:
    assert set(ask("/fo/smile", underlying="NIFTY", **{parameter: value}).problem(400)) == {parameter}


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_the_number_of_expiries_does_not_change_the_number_of_queries(ask: Asker, at: dict[str, str]) -> None:
    one = queries_of(lambda: smiles(ask, **at))
    many = queries_of(lambda: smiles(ask, expiry=[str(NEAR), str(FAR), str(CALLS)], **at))
    assert one == many <= 10
