"""`/strategies/{id}/payoff` and `/strategies/payoff`: expectations by hand and by the formulas of closed_form.py."""

import json
from datetime import date
from typing import Any

import pytest

from accounts.models import User
from fo_analytics.models import SupersededTerms
from tests.api.alike import queries_of
from tests.api.asking import Answer, Asker, Json, answer_of
from tests.api.closed_form import chance_above, worth
from tests.api.market import FAR, LAST, LOT, NEAR, UNSEEN
from tests.api.strategies_made import add, close, instrument, list_stock, short_straddle, strategy_of

pytestmark = pytest.mark.usefixtures("market")
CALL: Json = {"underlying": "nifty 50", "kind": "CE", "expiry": "NWeek+0", "strike": "25000", "side": "BUY", "lots": 1}


def post(ask: Asker, path: str, **body: Any) -> Answer:
    """POST a body."""
    return answer_of(ask.client.post(path, json.dumps(body), content_type="application/json"))


def amounts(values: list[str]) -> list[float]:
    """Return amounts as numbers."""
    return [float(value) for value in values]


def test_a_short_straddle_pays_its_credit_less_how_far_the_index_went(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    body = ask(f"/strategies/{strategy.pk}/payoff").body
    assert (body["strategy"], body["underlying"], body["expiry"], body["exact"]) == (
        strategy.pk, "NIFTY", "2026-02-03", True,
    )  # fmt: skip
    # 160.50 + 140.25 = 300.75, of lots of 65.
    assert body["break_evens"] == ["24699.25", "25300.75"]
    assert body["max_profit"] == {"amount": "19548.75", "unlimited": False}
    assert body["max_loss"] == {"amount": None, "unlimited": True}
    assert body["knots"] == [
        {"price": "0.00", "value": "-1605451.25"},
        {"price": "25000.00", "value": "19548.75"},
    ]
    assert (body["slope"], body["looked_at"], body["capped"], body["reasons"]) == (-65, None, [], {})


def test_the_probability_of_profit_is_that_of_ending_between_the_break_evens(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    found = ask(f"/strategies/{strategy.pk}/payoff").body["probability_of_profit"]
    assert found == pytest.approx(chance_above(24_699.25, NEAR) - chance_above(25_300.75, NEAR), abs=1e-6)


def test_the_curve_is_the_payoff_and_what_it_is_worth_today(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    body = ask(f"/strategies/{strategy.pk}/payoff", range=4, points=5).body
    curve = body["curve"]
    assert body["range"] == 4
    assert curve["price"] == ["24000.00", "24500.00", "25000.00", "25500.00", "26000.00"]
    assert curve["at_expiry"] == [
        f"{65 * (300.75 - abs(25_000 - s)):.2f}" for s in (24_000, 24_500, 25_000, 25_500, 26_000)
    ]
    today = [
        LOT * (300.75 - worth("CE", NEAR, 25_000, spot=spot) - worth("PE", NEAR, 25_000, spot=spot))
        for spot in (24_000, 24_500, 25_000, 25_500, 26_000)
    ]
    assert amounts(curve["today"]) == pytest.approx(today, abs=0.02)


def test_without_a_range_all_strikes_are_seen_and_a_range_that_is_too_wide_is_cut_and_said(
    ask: Asker, owner: User
) -> None:
    strategy = strategy_of(owner)
    add(strategy, instrument("PE", 24_500), "BUY", "20")
    wide = ask(f"/strategies/{strategy.pk}/payoff", points=3).body
    assert (wide["range"], wide["capped"]) == (5.0, [])
    cut = ask(f"/strategies/{strategy.pk}/payoff", points=3, range=60).body
    assert (cut["range"], cut["capped"]) == (50.0, ["range"])
    assert cut["curve"]["price"] == ["12500.00", "25000.00", "37500.00"]


def test_what_was_realised_is_in_the_payoff(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    close(add(strategy, instrument("CE", 25_000), "SELL", "100", lots=2), 1, "60")
    body = ask(f"/strategies/{strategy.pk}/payoff").body
    assert body["break_evens"] == ["25140.00"]  # 100 + the 40 already earned
    assert body["legs"][0]["lots"] == 1


def test_of_a_calendar_spread_the_far_leg_is_priced_at_the_first_expiry(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 25_000), "SELL", "160")
    add(strategy, instrument("CE", 25_000, FAR), "BUY", "255")
    body = ask(f"/strategies/{strategy.pk}/payoff", range=2, points=3).body
    assert (body["exact"], body["expiry"], body["knots"], body["slope"]) == (False, "2026-02-03", None, 0)
    assert body["looked_at"] == {"low": "12500.00", "high": "37500.00"}
    expiry_ms = body["market"]["expiries"][0]["ts_expiry"]

    def gain(spot: float) -> float:
        far = worth("CE", FAR, 25_000, spot=spot, at_ms=expiry_ms)
        return LOT * (160 - max(spot - 25_000, 0) + far - 255)

    assert amounts(body["curve"]["at_expiry"]) == pytest.approx([gain(s) for s in (24_500, 25_000, 25_500)], abs=0.02)
    assert float(body["max_profit"]["amount"]) == pytest.approx(gain(25_000), abs=0.02)
    assert float(body["max_loss"]["amount"]) == pytest.approx(-95 * LOT, abs=0.02)
    low, high = amounts(body["break_evens"])
    assert [gain(low), gain(high)] == pytest.approx([0, 0], abs=1)
    chance = chance_above(low, NEAR) - chance_above(high, NEAR)
    assert body["probability_of_profit"] == pytest.approx(chance, abs=1e-4)


def test_a_strategy_of_which_nothing_is_open_pays_what_it_earned(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    close(add(strategy, instrument("CE", 25_000), "SELL", "100"), 1, "60")
    body = ask(f"/strategies/{strategy.pk}/payoff").body
    assert (body["underlying"], body["legs"], body["market"], body["expiry"]) == (None, [], None, None)
    assert body["max_profit"] == body["max_loss"] == {"amount": "2600.00", "unlimited": False}
    assert body["curve"] == {"price": [], "at_expiry": [], "today": []}
    assert body["reasons"] == {"today": "nothing_open", "probability_of_profit": "nothing_open"}
    assert ask(f"/strategies/{strategy.pk}/scenario").problem(409) == {}


def test_legs_that_are_stored_nowhere_are_bought_at_the_mark(ask: Asker) -> None:
    body = post(ask, "/strategies/payoff", legs=[CALL], points=3).body
    (leg,) = body["legs"]
    paid = float(leg["average_price"])
    assert (body["strategy"], leg["leg"], leg["units"]) == (None, None, 65)
    assert paid == pytest.approx(worth("CE", NEAR, 25_000), abs=0.0001)
    assert float(body["break_evens"][0]) == pytest.approx(25_000 + paid, abs=0.01)
    assert float(body["max_loss"]["amount"]) == pytest.approx(-65 * paid, abs=0.01)
    assert body["max_profit"] == {"amount": None, "unlimited": True}


def test_what_if_changes_the_answer_and_nothing_stored(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    call, _ = short_straddle(strategy)
    path = f"/strategies/{strategy.pk}/payoff"
    before = ask(path).body
    hedge = {**CALL, "strike": "25200", "price": "60.05"}
    body = post(ask, path, legs=[hedge], exits=[{"leg": call.pk, "price": "150.00"}]).body
    # Sold call closed: +10.50. Left: a put sold for 140.25, a 25,200 call bought for 60.05.
    assert body["knots"][1:] == [
        {"price": "25000.00", "value": "5895.50"},  # (10.50 + 140.25 − 60.05) × 65
        {"price": "25200.00", "value": "5895.50"},
    ]
    assert [leg["leg"] for leg in body["legs"]] == [before["legs"][1]["leg"], None]
    assert body["max_profit"]["unlimited"]
    assert ask(path).body == before


def test_a_contract_may_be_named_by_token_by_trading_symbol_or_by_its_terms(ask: Asker) -> None:
    contract = instrument("CE", 25_000)
    rest = {"side": "BUY", "lots": 1, "price": "10"}
    ways = ({"token": contract.token}, {"tradingsymbol": contract.tradingsymbol, "underlying": "NIFTY"}, {**CALL})
    found = [post(ask, "/strategies/payoff", legs=[{**way, **rest}]).body for way in ways]
    assert found[0]["legs"][0]["strike"] == "25000.00"
    assert found[0] == found[1] == found[2]


def test_the_lot_is_that_of_the_day_it_would_be_traded_on(ask: Asker) -> None:
    contract = instrument("CE", 25_000)
    for valid_to, lot_size in ((date(2026, 2, 1), 25), (date(2026, 2, 20), 50), (date(2026, 2, 3), 75)):
        SupersededTerms.objects.create(instrument=contract, valid_to=valid_to, lot_size=lot_size, tick_size="0.05")
    (leg,) = post(ask, "/strategies/payoff", legs=[CALL]).body["legs"]
    assert leg["lot_size"] == 75


def test_the_number_of_legs_that_are_not_stored_does_not_change_the_number_of_queries(ask: Asker) -> None:
    def asked(*strikes: int) -> None:
        legs = [{**CALL, "strike": strike} for strike in strikes]
        legs += [{"token": instrument("PE", 25_000).token, "side": "SELL", "lots": 1}]
        assert post(ask, "/strategies/payoff", legs=legs).status == 200

    one, many = queries_of(lambda: asked(25_000)), queries_of(lambda: asked(24_600, 24_800, 25_000, 25_200))
    assert one == many <= 12


def test_a_stock_that_is_held_has_no_expiry_and_no_probability(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, list_stock(), "BUY", "1400.05", lots=10)
    body = ask(f"/strategies/{strategy.pk}/payoff", points=3).body
    assert (body["expiry"], body["break_evens"], body["slope"]) == (None, ["1400.05"], 10)
    assert body["reasons"]["probability_of_profit"] == "never_expires"
    assert "RELIANCE" in body["reasons"]["today"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "legs"),
        ({"legs": []}, "legs.non_field_errors"),
        ({"legs": [CALL], "spots": 3}, "spots"),
        ({"legs": [{**CALL, "lot": 1}]}, "legs.0.lot"),
        ({"legs": [{**CALL, "lots": 0}]}, "legs.0.lots"),
        ({"legs": [{**CALL, "price": "0"}]}, "legs.0.price"),
        ({"legs": [{**CALL, "price": "1.00005"}]}, "legs.0.price"),
        ({"legs": [CALL, {**CALL, "strike": "25001"}]}, "legs.1.strike"),
        ({"legs": [{**CALL, "expiry": "NWeek+9"}]}, "legs.0.expiry"),
        ({"legs": [{**CALL, "expiry": "2026-02-30"}]}, "legs.0.expiry"),
        ({"legs": [{**CALL, "underlying": "NOPE"}]}, "legs.0.underlying"),
        ({"legs": [{**CALL, "kind": "EQ", "strike": None}]}, "legs.0.strike"),
        ({"legs": [{"token": 2**63, "side": "BUY", "lots": 1}]}, "legs.0.token"),
        ({"legs": [{"side": "BUY", "lots": 1}]}, "legs.0.token"),
        ({"legs": [{"underlying": "NIFTY", "kind": "EQ", "side": "BUY", "lots": 1}]}, "legs.0"),
        ({"legs": [{**CALL, "kind": UNSEEN[1], "strike": str(UNSEEN[2])}]}, "legs.0.price"),
        ({"legs": [CALL], "points": 402}, "points"),
        ({"legs": [CALL], "range": "nan"}, "range"),
        ({"legs": [CALL], "range": True}, "range"),
        ({"legs": [CALL], "range": 1_001}, "range"),
        ({"legs": [{**CALL, "kind": "\udc80"}]}, "legs.0.kind"),
        ({"legs": [CALL], "\udc80": 1}, "?"),
        ({"legs": [CALL], "x" * 9_000: 1}, "x" * 500),
        ({"legs": [CALL] * 41}, "legs.non_field_errors"),
        ({"legs": "x"}, "legs.non_field_errors"),
    ],
)
def test_junk_is_refused_by_name(ask: Asker, body: Json, field: str) -> None:
    assert set(post(ask, "/strategies/payoff", **body).problem(400)) == {field}


def test_what_cannot_be_closed_is_refused_by_name(ask: Asker, owner: User, stranger: User) -> None:
    strategy, other = strategy_of(owner), strategy_of(stranger)
    call, put = short_straddle(strategy)
    close(put, 1, "100")
    (foreign, _) = short_straddle(other)
    cases = [
        ({"leg": foreign.pk}, "exits.0.leg"),
        ({"leg": call.pk, "lots": 2}, "exits.0"),
        ({"leg": put.pk}, "exits.0"),
        ({"leg": call.pk, "price": "-1"}, "exits.0.price"),
    ]
    for leg, field in cases:
        answer = post(ask, f"/strategies/{strategy.pk}/payoff", exits=[leg])
        assert set(answer.problem(400)) == {field}
    twice = post(ask, f"/strategies/{strategy.pk}/payoff", exits=[{"leg": call.pk}, {"leg": call.pk}])
    assert set(twice.problem(400)) == {"exits.1.leg"}


def test_several_underlyings_have_no_payoff_and_the_one_at_fault_is_told(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    stock = list_stock()
    added = {"token": stock.token, "side": "BUY", "lots": 1, "price": "1400"}
    assert set(post(ask, f"/strategies/{strategy.pk}/payoff", legs=[added]).problem(400)) == {"legs"}
    add(strategy, stock, "BUY", "1400")
    answer = ask(f"/strategies/{strategy.pk}/payoff")
    assert answer.problem(409) == {}
    assert "several underlyings" in answer.body["detail"]


def test_the_market_is_of_the_newest_tick(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    market = ask(f"/strategies/{strategy.pk}/payoff").body["market"]
    assert (market["ts_event"], market["spot"], market["spot_source"]) == (LAST, "25000.00", "spot")
    (expiry,) = market["expiries"]
    assert (expiry["source"], expiry["stale"], expiry["forward_source"]) == ("live", False, "parity")
