"""`/strategies/{id}/greeks`: sums of the closed form's Greeks, and what is missing by name."""

import math
from functools import partial
from statistics import NormalDist

import pytest

from accounts.models import User
from fo_analytics.domain.calendar import from_ms
from strategies.domain.legs import Freeze, Settlement
from strategies.selectors.legs import leg_of, stored_legs
from strategies.services.legs import store_ends
from tests.api.alike import queries_of
from tests.api.asking import Asker
from tests.api.closed_form import d1, years
from tests.api.market import BELOW_INTRINSIC, FAR, LAST, LOT, NEAR, SIGMA, SILENT, SPOT, UNSEEN
from tests.api.strategies_made import ENTERED, add, close, instrument, list_stock, short_straddle, strategy_of

pytestmark = pytest.mark.usefixtures("market")
normal = NormalDist()


def test_net_greeks_are_the_sum_over_signed_units(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    call, put = short_straddle(strategy)
    body = ask(f"/strategies/{strategy.pk}/greeks").body
    first, left = d1(NEAR, 25_000), years(NEAR)
    each = {
        "delta": (normal.cdf(first), normal.cdf(first) - 1),
        "gamma": (normal.pdf(first) / (SPOT * SIGMA * math.sqrt(left)),) * 2,
        "vega": (SPOT * normal.pdf(first) * math.sqrt(left) / 100,) * 2,
    }
    for name, (of_call, of_put) in each.items():
        assert body["net"][name] == pytest.approx(-LOT * (of_call + of_put), rel=1e-6, abs=1e-6)
        assert body["legs"][0]["per_unit"][name] == pytest.approx(of_call, rel=1e-6)
        assert body["legs"][1]["position"][name] == pytest.approx(-LOT * of_put, rel=1e-6)
    assert [row["leg"] for row in body["legs"]] == [call.pk, put.pk]
    assert (body["missing"], body["stale"], body["convention"]) == ([], [], "exact")
    assert {row["age_ms"] for row in body["legs"]} == {0}
    assert body["underlyings"] == [
        {"underlying": "NIFTY", "ts_event": LAST, "reason": None, "net": body["net"], "missing": []}
    ]


def test_a_contract_without_a_volatility_of_its_own_has_that_of_its_strike(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    for expiry, kind, strike in (BELOW_INTRINSIC, UNSEEN):
        add(strategy, instrument(kind, strike, expiry), "BUY", "10")
    below, unseen = ask(f"/strategies/{strategy.pk}/greeks").body["legs"]
    assert [row["iv"] for row in (below, unseen)] == pytest.approx([SIGMA, SIGMA], abs=1e-6)
    assert below["per_unit"]["delta"] == pytest.approx(normal.cdf(d1(NEAR, 24_500)), abs=1e-6)
    assert unseen["per_unit"]["delta"] == pytest.approx(normal.cdf(d1(NEAR, 25_500)) - 1, abs=1e-6)


def test_a_leg_without_greeks_is_named_and_the_sum_is_null(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    known = add(strategy, instrument("CE", 25_000), "BUY", "160")
    silent = add(strategy, instrument("CE", 25_000, SILENT), "SELL", "700")
    body = ask(f"/strategies/{strategy.pk}/greeks").body
    assert (body["net"], body["missing"]) == (None, [silent.pk])
    assert body["underlyings"][0]["missing"] == [silent.pk]
    first, second = body["legs"]
    assert (first["leg"], first["reason"], first["fresh"]) == (known.pk, None, True)
    assert (second["per_unit"], second["position"], second["iv"], second["fresh"]) == (None, None, None, False)
    assert second["reason"] == "no_price"


def test_a_payoff_with_a_leg_that_cannot_be_valued_says_what_is_unknown(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 25_000), "SELL", "160")
    add(strategy, instrument("CE", 25_000, SILENT), "BUY", "700")
    body = ask(f"/strategies/{strategy.pk}/payoff", points=3).body
    assert body["max_profit"] == body["max_loss"] == {"amount": None, "unlimited": False}
    assert body["curve"]["today"] == body["curve"]["at_expiry"] == [None] * 3
    assert set(body["reasons"].values()) == {"unknown_legs"}
    assert set(body["reasons"]) == {
        "break_evens", "max_profit", "max_loss", "at_expiry", "today", "probability_of_profit",
    }  # fmt: skip


def test_a_share_and_a_closed_leg_need_no_market(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    stock = add(strategy, list_stock(), "SELL", "1400", lots=25)
    close(add(strategy, instrument("CE", 25_000), "BUY", "160"), 1, "170")
    body = ask(f"/strategies/{strategy.pk}/greeks").body
    assert body["net"] == {"delta": -25.0, "gamma": 0.0, "theta": 0.0, "vega": 0.0, "rho": 0.0}
    assert [row["leg"] for row in body["legs"]] == [stock.pk]


def test_nothing_open_moves_by_nothing(ask: Asker, owner: User) -> None:
    body = ask(f"/strategies/{strategy_of(owner).pk}/greeks").body
    assert set(body["net"].values()) == {0.0}
    assert (body["legs"], body["underlyings"], body["missing"]) == ([], [], [])


def test_a_frozen_leg_has_no_greeks_and_no_payoff(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    frozen, put = short_straddle(strategy)
    row = stored_legs().get(pk=frozen.pk)
    leg = leg_of(row).freeze(Freeze(from_ms(LAST), "corporate_action: split", None))
    store_ends(changed=[(row, leg)], since={row.pk: ENTERED})
    body = ask(f"/strategies/{strategy.pk}/greeks").body
    assert (body["net"], body["missing"]) == (None, [frozen.pk])
    assert [row["reason"] for row in body["legs"]] == ["frozen", None]
    for question in ("payoff", "scenario"):
        answer = ask(f"/strategies/{strategy.pk}/{question}")
        assert answer.problem(409) == {}
        assert "frozen" in answer.body["detail"]
    assert put.pk == body["legs"][1]["leg"]


@pytest.mark.parametrize("place", [0, 1])
def test_of_two_legs_in_one_contract_only_the_settled_one_has_no_greeks(ask: Asker, owner: User, place: int) -> None:
    strategy = strategy_of(owner)
    legs = [add(strategy, instrument("CE", 25_000), "BUY", "160") for _ in range(2)]
    settled, other = legs[place], legs[1 - place]
    row = stored_legs().get(pk=settled.pk)
    leg = leg_of(row)
    waiting = Settlement(leg.entry.price, from_ms(LAST), "last_spot", True)
    store_ends(changed=[(row, leg.settle(waiting))], since={row.pk: ENTERED})
    body = ask(f"/strategies/{strategy.pk}/greeks").body
    reasons = {row["leg"]: row["reason"] for row in body["legs"]}
    assert reasons == {settled.pk: "provisionally_settled", other.pk: None}
    assert body["missing"] == [settled.pk]


def test_several_underlyings_are_summed_apart_too(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 25_000), "BUY", "160")
    add(strategy, list_stock(), "BUY", "1400", lots=10)
    body = ask(f"/strategies/{strategy.pk}/greeks").body
    nifty, stock = body["underlyings"]
    assert (stock["underlying"], stock["net"]["delta"], stock["ts_event"]) == ("RELIANCE", 10.0, None)
    assert body["net"]["delta"] == pytest.approx(nifty["net"]["delta"] + 10)


def test_the_exchanges_convention_counts_whole_days_at_ten_per_cent(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 25_000, FAR), "BUY", "255")
    body = ask(f"/strategies/{strategy.pk}/greeks", convention="nse").body
    (leg,) = body["legs"]
    left = 8 / 365
    first = (0.10 * left + leg["iv"] ** 2 * left / 2) / (leg["iv"] * math.sqrt(left))
    assert body["convention"] == "nse"
    assert leg["iv"] > SIGMA + 0.005  # the put's: more carry leaves less of its price to explain
    assert leg["per_unit"]["delta"] == pytest.approx(normal.cdf(first), abs=1e-6)


def test_the_number_of_legs_does_not_change_the_number_of_queries(ask: Asker, owner: User) -> None:
    one, many = strategy_of(owner), strategy_of(owner)
    add(one, instrument("CE", 25_000), "BUY", "160")
    for strike in (24_600, 24_700, 24_800, 24_900):
        add(many, instrument("CE", strike), "BUY", "300")
    for question in ("greeks", "payoff", "scenario"):
        counts = [queries_of(partial(ask, f"/strategies/{held.pk}/{question}")) for held in (one, many)]
        assert counts[0] == counts[1] <= 10


@pytest.mark.parametrize(("name", "value"), [("convention", "bs"), ("x", 1), ("convention", "")])
def test_junk_is_refused_by_name(ask: Asker, owner: User, name: str, value: object) -> None:
    assert set(ask(f"/strategies/{strategy_of(owner).pk}/greeks", **{name: value}).problem(400)) == {name}
