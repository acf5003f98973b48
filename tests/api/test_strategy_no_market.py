"""What is answered about a strategy when nothing, or not enough, is known of the market."""

import pytest

from accounts.models import User
from fo_analytics.models import Bar, Instrument, Underlying
from fo_analytics.replay.recording import ContractKey, RecordedTick
from strategies.models import Strategy
from tests.api.asking import Asker, answer_of
from tests.api.closed_form import worth
from tests.api.market import (
    FAR,
    FIRST,
    LAST,
    LOT,
    NEAR,
    SILENT,
    SPOT,
    feed,
    forget_everything,
    ist,
    list_contracts,
    open_market,
    snapshot,
)
from tests.api.strategies_made import add, instrument, short_straddle, strategy_of
from tradingviz.quickstart.redis import EmbeddedRedis

pytestmark = pytest.mark.usefixtures("empty")


@pytest.fixture
def straddle(owner: User) -> Strategy:
    """A short straddle on a market that is listed and never ticked."""
    list_contracts()
    strategy = strategy_of(owner)
    short_straddle(strategy)
    return strategy


def test_without_a_market_the_payoff_is_exact_all_the_same_and_the_rest_says_why(
    ask: Asker, straddle: Strategy
) -> None:
    body = ask(f"/strategies/{straddle.pk}/payoff", points=3, range=1).body
    assert body["break_evens"] == ["24699.25", "25300.75"]
    assert body["market"] is None
    assert body["curve"]["price"] == ["24750.00", "25000.00", "25250.00"]  # around the strike
    assert body["curve"]["today"] == [None] * 3
    assert set(body["reasons"]) == {"today", "probability_of_profit"}
    assert all("NIFTY" in why for why in body["reasons"].values())
    assert {leg["reason"] for leg in body["legs"]} == {"no_market"}


def test_without_a_market_there_is_no_scenario(ask: Asker, straddle: Strategy) -> None:
    answer = ask(f"/strategies/{straddle.pk}/scenario")
    answer.problem(503)
    assert "NIFTY" in answer.body["detail"]


def test_without_a_market_a_calendar_spread_has_no_payoff(ask: Asker, straddle: Strategy) -> None:
    add(straddle, instrument("CE", 25_000, FAR), "BUY", "255")
    ask(f"/strategies/{straddle.pk}/payoff").problem(503)


def test_without_a_market_greeks_are_missing_by_name(ask: Asker, straddle: Strategy) -> None:
    body = ask(f"/strategies/{straddle.pk}/greeks").body
    assert body["net"] is None
    assert body["missing"] == [leg["leg"] for leg in body["legs"]]
    assert {leg["reason"] for leg in body["legs"]} == {"no_market"}
    assert "NIFTY" in body["underlyings"][0]["reason"]


def test_without_a_market_a_leg_that_is_not_stored_needs_a_price_and_a_contract_that_lives(ask: Asker) -> None:
    list_contracts()
    leg = {"token": instrument("CE", 25_000).token, "side": "BUY", "lots": 1}
    unpriced = answer_of(ask.client.post("/strategies/payoff", {"legs": [leg]}, format="json"))
    assert set(unpriced.problem(400)) == {"legs.0.price"}
    over = answer_of(ask.client.post("/strategies/payoff", {"legs": [{**leg, "price": "9"}]}, format="json"))
    assert "last day" in over.problem(400)["legs.0"]["message"]


def test_without_a_spot_the_forward_discounted_stands_in(ask: Asker, owner: User) -> None:
    feed([snapshot(LAST, spot=None)])
    strategy = strategy_of(owner)
    short_straddle(strategy)
    body = ask(f"/strategies/{strategy.pk}/scenario", spots=1, shifts=1, times=1).body
    assert (body["market"]["spot"], body["market"]["spot_source"]) == (f"{SPOT:.2f}", "forward")
    now = LOT * (300.75 - worth("CE", NEAR, 25_000) - worth("PE", NEAR, 25_000))
    assert float(body["value"][0][0][0]) == pytest.approx(now, abs=0.02)


def test_without_any_price_of_the_underlying_there_is_no_scenario(ask: Asker, owner: User) -> None:
    list_contracts()
    feed([snapshot(LAST, spot=None, expiries=(NEAR,))])
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 25_000, SILENT), "BUY", "700")
    answer = ask(f"/strategies/{strategy.pk}/scenario")
    answer.problem(503)
    assert "neither a spot nor a forward" in answer.body["detail"]
    body = ask(f"/strategies/{strategy.pk}/payoff", points=1).body
    assert (body["break_evens"], body["curve"]["today"]) == (["25700.00"], [None])
    assert body["reasons"] == {"today": "unknown_legs", "probability_of_profit": "no_forward"}


def test_a_future_of_a_month_without_options_is_carried_from_the_spot(ask: Asker, owner: User) -> None:
    feed([snapshot(LAST)])
    underlying = Underlying.objects.get(symbol="NIFTY")
    future = Instrument.objects.create(
        underlying=underlying, kind="FUT", expiry=SILENT, token=5, tradingsymbol="NIFTY26MARFUT", lot_size=LOT
    )
    forget_everything()
    strategy = strategy_of(owner)
    add(strategy, future, "BUY", "25100.50")
    body = ask(f"/strategies/{strategy.pk}/payoff", points=1).body
    assert (body["break_evens"], body["slope"]) == (["25100.50"], LOT)
    assert body["reasons"]["probability_of_profit"] == "no_volatility"
    near, expiry = body["market"]["expiries"]  # the near one tells the spot
    assert (near["source"], near["expiry"]) == ("live", str(NEAR))
    assert (expiry["forward_source"], expiry["source"]) == ("spot", None)
    carried = float(expiry["forward"])
    assert carried == pytest.approx(SPOT * 1.0103, rel=2e-4)  # 6.5 % over 57 days
    assert float(body["curve"]["today"][0]) == pytest.approx(LOT * (carried - 25_100.50), abs=LOT * 0.01)
    assert ask(f"/strategies/{strategy.pk}/greeks").body["net"]["delta"] == LOT


def test_a_future_is_valued_by_its_own_price_and_not_by_the_forward(ask: Asker, owner: User) -> None:
    own = 25_333.0
    ts, ticks = snapshot(LAST)
    feed([(ts, [*ticks, RecordedTick(ContractKey("NIFTY", "FUT", SILENT), ts, last=own)])])
    future = Instrument.objects.get(kind="FUT")
    forget_everything()
    strategy = strategy_of(owner)
    add(strategy, future, "BUY", "25100.50")
    (today,) = ask(f"/strategies/{strategy.pk}/payoff", points=1).body["curve"]["today"]
    assert float(today) == pytest.approx(LOT * (own - 25_100.50), abs=LOT * 0.01)
    feed([snapshot(LAST + 61_000)])  # the future's price is old by now: the carried spot is valued
    (today,) = ask(f"/strategies/{strategy.pk}/payoff", points=1).body["curve"]["today"]
    assert float(today) != pytest.approx(LOT * (own - 25_100.50), abs=LOT)


def test_with_redis_stopped_the_newest_bars_answer(own_redis: EmbeddedRedis, ask: Asker, owner: User) -> None:
    open_market()
    strategy = strategy_of(owner)
    short_straddle(strategy)
    live = ask(f"/strategies/{strategy.pk}/payoff").body
    own_redis.stop()
    stored = ask(f"/strategies/{strategy.pk}/payoff").body
    assert [body["market"]["expiries"][0]["source"] for body in (live, stored)] == ["live", "bars"]
    assert stored["break_evens"] == live["break_evens"]
    assert stored["probability_of_profit"] == pytest.approx(live["probability_of_profit"], abs=1e-3)
    assert Bar.objects.exists()


def test_what_is_valued_by_an_old_price_is_named_and_used_all_the_same(ask: Asker, owner: User) -> None:
    feed([snapshot(FIRST), snapshot(LAST, expiries=(NEAR,))])
    strategy = strategy_of(owner)
    fresh = add(strategy, instrument("CE", 25_000), "SELL", "160")
    old = add(strategy, instrument("CE", 25_000, FAR), "BUY", "255")
    greeks = ask(f"/strategies/{strategy.pk}/greeks").body
    assert (greeks["stale"], greeks["missing"]) == ([old.pk], [])
    assert [leg["age_ms"] for leg in greeks["legs"]] == [0, LAST - FIRST]
    assert greeks["net"] is not None
    payoff = ask(f"/strategies/{strategy.pk}/payoff", points=1).body
    assert [(leg["leg"], leg["fresh"]) for leg in payoff["legs"]] == [(fresh.pk, True), (old.pk, False)]
    assert payoff["curve"]["today"][0] is not None


def test_an_expired_leg_that_waits_for_its_settlement_is_worth_what_it_pays(ask: Asker, owner: User) -> None:
    feed([snapshot(LAST)])
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 24_900), "SELL", "200")
    add(strategy, instrument("CE", 25_000, FAR), "BUY", "255")
    feed([snapshot(ist("2026-02-04 10:00:00"), expiries=(FAR,))])
    forget_everything()
    body = ask(f"/strategies/{strategy.pk}/payoff", points=1).body
    assert (body["expiry"], body["exact"]) == (str(NEAR), False)
    assert body["reasons"]["probability_of_profit"] == "expired"
    now = ist("2026-02-04 10:00:00")
    gain = LOT * (200 - 100 + worth("CE", FAR, 25_000, at_ms=now) - 255)
    assert body["curve"]["price"] == ["25000.00"]
    assert float(body["curve"]["today"][0]) == pytest.approx(gain, abs=0.02)
    assert body["curve"]["at_expiry"] == body["curve"]["today"]
