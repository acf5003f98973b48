"""/fo/strike-distribution: the numbers, where they come from, and what is said where there is none."""

from collections.abc import Iterator
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

import pytest
from django.conf import settings

from fo_analytics.topics import chain_topic, underlying_topic
from streaming.state import State, read_state
from tests.api.asking import Answer, Asker
from tests.api.market import (
    BELOW_INTRINSIC,
    EXPIRY,
    FAR,
    LAST,
    NEAR,
    RATE,
    SIGMA,
    SILENT,
    SPOT,
    STRIKES,
    UNSEEN,
    YEAR_MS,
    fair_price,
    forward,
    open_interest,
    traded,
)
from tradingviz.core.redis import shared_client

pytestmark = pytest.mark.usefixtures("market")

KINDS = {"call": "CE", "put": "PE"}
GREEKS = ("delta", "gamma", "theta", "vega", "rho")
REASONS = {
    "no_price", "below_intrinsic", "above_maximum", "no_time_value", "expired", "stale", "no_spot",
}  # fmt: skip


@pytest.fixture
def near(ask: Asker) -> Answer:
    """The nearest chain, live and whole."""
    return ask.chains()


def contracts(answer: Answer) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """Give every contract of an answer: strike, side, cell."""
    for row in answer.chain["strikes"]:
        for side in ("call", "put"):
            if side in row:
                yield row["strike"], side, row[side]


def published(topic: str) -> State:
    """Return what is in Redis."""
    state = read_state(shared_client(), topic)
    assert state is not None
    return state


def test_without_an_expiry_the_nearest_one_is_shown_live(near: Answer) -> None:
    chain = near.chain
    assert (chain["expiry"], chain["labels"], chain["source"]) == (NEAR.isoformat(), ["NWeek+0"], "live")
    assert (chain["ts_event"], chain["ts_expiry"], chain["expired"]) == (LAST, EXPIRY, False)


def test_volatilities_are_those_the_prices_were_made_of(near: Answer) -> None:
    known = [cell["iv"] for strike, side, cell in contracts(near) if (NEAR, KINDS[side], strike) != BELOW_INTRINSIC]
    assert len([iv for iv in known if iv is not None]) == 20
    assert all(iv is None or abs(iv - SIGMA) < 1e-6 for iv in known)


def test_the_forward_is_the_one_the_prices_were_made_of(near: Answer) -> None:
    assert near.chain["forward"] == pytest.approx(forward(NEAR, LAST), abs=1e-6)
    assert near.chain["forward_source"] == "parity"


def test_greeks_are_those_of_the_closed_form(near: Answer) -> None:
    years, f = (EXPIRY - LAST) / YEAR_MS, forward(NEAR, LAST)
    spot, cdf, pdf = f * exp(-RATE * years), NormalDist().cdf, NormalDist().pdf
    for strike in STRIKES[1:-1]:
        d1 = (log(f / strike) + SIGMA**2 * years / 2) / (SIGMA * sqrt(years))
        d2 = d1 - SIGMA * sqrt(years)
        carry = RATE * strike * exp(-RATE * years)
        expected = {
            "delta": cdf(d1),
            "gamma": pdf(d1) / (spot * SIGMA * sqrt(years)),
            "theta": (-spot * pdf(d1) * SIGMA / (2 * sqrt(years)) - carry * cdf(d2)) / 365,
            "vega": spot * pdf(d1) * sqrt(years) / 100,
            "rho": strike * years * exp(-RATE * years) * cdf(d2) / 100,
        }
        assert {name: near.side(strike, "call")[name] for name in GREEKS} == pytest.approx(expected, rel=1e-5)


def test_calls_and_puts_of_a_strike_share_gamma_and_vega_and_their_deltas_differ_by_one(near: Answer) -> None:
    for strike in STRIKES[1:-1]:
        call, put = near.side(strike, "call"), near.side(strike, "put")
        assert (call["gamma"], call["vega"]) == pytest.approx((put["gamma"], put["vega"]))
        assert call["delta"] - put["delta"] == pytest.approx(1.0)


def test_marks_quotes_open_interest_and_volume_are_those_of_the_last_ticks(near: Answer) -> None:
    for strike, side, cell in contracts(near):
        contract = (NEAR, KINDS[side], strike)
        if contract not in (UNSEEN, BELOW_INTRINSIC):
            price = fair_price(contract, LAST)
            assert (cell["mark"], cell["mark_source"]) == (pytest.approx(price), "mid")
            assert (cell["bid"], cell["ask"]) == pytest.approx((price - 0.05, price + 0.05))
            assert (cell["oi"], cell["volume"]) == (open_interest(contract), traded(contract, LAST))
            assert (cell["age_ms"], cell["quote_age_ms"], cell["oi_age_ms"]) == (0, 0, 0)


def test_totals_and_ratios_are_over_all_strikes_whatever_is_shown(ask: Asker) -> None:
    seen = [(NEAR, kind, strike) for kind in ("CE", "PE") for strike in STRIKES]
    calls = sum(open_interest(contract) for contract in seen if contract[1] == "CE")
    puts = sum(open_interest(contract) for contract in seen if contract[1] == "PE" and contract != UNSEEN)
    for levels in (0, 50):
        chain = ask.chains(levels=levels).chain
        assert (chain["call_oi"], chain["put_oi"]) == (calls, puts)
        assert chain["pcr_oi"] == pytest.approx(puts / calls)


def test_max_pain_is_the_strike_that_pays_buyers_least(near: Answer) -> None:
    def paid(at: float) -> float:
        calls = sum(open_interest((NEAR, "CE", k)) * max(0.0, at - k) for k in STRIKES)
        puts = sum(open_interest((NEAR, "PE", k)) * max(0.0, k - at) for k in STRIKES if (NEAR, "PE", k) != UNSEEN)
        return calls + puts

    assert near.chain["max_pain"] == min(STRIKES, key=paid)


def test_the_money_is_the_strike_nearest_the_forward(near: Answer) -> None:
    assert near.chain["atm_strike"] == 25_000.0
    assert near.chain["straddle"] == pytest.approx(sum(near.side(25_000.0, side)["mark"] for side in ("call", "put")))


@pytest.mark.parametrize(
    ("strike", "call", "put"),
    [(24_800.0, "ITM2", "OTM2"), (25_000.0, "ATM", "ATM"), (25_300.0, "OTM3", "ITM3")],
)
def test_moneyness_counts_rungs_and_is_mirrored_for_puts(near: Answer, strike: float, call: str, put: str) -> None:
    assert (near.side(strike, "call")["moneyness"], near.side(strike, "put")["moneyness"]) == (call, put)


def test_a_contract_never_seen_is_null_with_a_reason_and_takes_its_strikes_volatility(near: Answer) -> None:
    put = near.side(UNSEEN[2], "put")
    names = (
        "mark",
        "mark_source",
        "last",
        "bid",
        "ask",
        "iv",
        "oi",
        "volume",
        "last_ts",
        "age_ms",
        "oi_age_ms",
    )
    assert {name: put[name] for name in names} == dict.fromkeys(names)
    assert (put["iv_reason"], put["greeks_iv_source"]) == ("no_price", "other_side")
    assert -1.0 < put["delta"] < 0.0


def test_a_quote_below_intrinsic_has_no_volatility_and_takes_the_other_sides_greeks(near: Answer) -> None:
    call, put = (near.side(BELOW_INTRINSIC[2], side) for side in ("call", "put"))
    assert (call["iv"], call["iv_reason"]) == (None, "below_intrinsic")
    assert (call["greeks_iv_source"], put["greeks_iv_source"]) == ("other_side", "own")
    assert call["vega"] == pytest.approx(put["vega"])


def test_what_is_null_says_why_and_what_is_known_needs_no_reason(ask: Asker) -> None:
    for parameters in ({}, {"convention": "nse"}, {"expiry": SILENT.isoformat()}):
        for _, _, cell in contracts(ask.chains(**parameters)):
            assert (cell["iv"] is None) == (cell["iv_reason"] in REASONS)
            assert all((cell[name] is None) == (cell["greeks_iv_source"] is None) for name in GREEKS)


def test_a_listed_chain_without_a_tick_is_shown_with_nulls(ask: Asker) -> None:
    answer = ask.chains(expiry="NQuarter+0")
    assert (answer.chain["expiry"], answer.chain["source"]) == (SILENT.isoformat(), "bars")
    assert {cell["iv_reason"] for _, _, cell in contracts(answer)} == {"no_price"}
    names = ("pcr_oi", "pcr_volume", "max_pain", "straddle", "call_oi", "put_volume", "atm_iv")
    assert {name: answer.chain[name] for name in names} == dict.fromkeys(names)


def test_the_live_answer_is_what_was_published(ask: Asker) -> None:
    chain, state = ask.chains().chain, published(chain_topic("NIFTY", NEAR))
    assert (chain["epoch"], chain["seq"], chain["ts_event"]) == (state.epoch, state.seq, state.ts_event)
    head = {name: value for name, value in state.document["head"].items() if name != "underlying"}
    assert {name: chain[name] for name in head} == head
    for row in chain["strikes"]:
        held = state.document["strikes"][f"{row['strike']:g}"]
        for side in ("call", "put"):
            assert {name: row[side][name] for name in held[side]} == held[side]


def test_every_chain_of_a_live_answer_names_its_own_state(ask: Asker) -> None:
    body = ask.chains(expiry=["NWeek+1", "NWeek+0"]).body
    states = [published(chain_topic("NIFTY", expiry)) for expiry in (FAR, NEAR)]
    assert [(c["epoch"], c["seq"]) for c in body["chains"]] == [(s.epoch, s.seq) for s in states]


def test_the_answers_instant_is_that_of_the_underlying(near: Answer) -> None:
    assert near.body["ts_event"] == published(underlying_topic("NIFTY")).ts_event == LAST


def test_the_exchanges_convention_values_last_prices_on_the_spot_over_whole_days(ask: Asker) -> None:
    chain = ask.chains(convention="nse", expiry="NWeek+1").chain
    assert (chain["convention"], chain["forward_source"]) == ("nse", "spot")
    assert chain["forward"] == pytest.approx(SPOT * exp(0.10 * 8 / 365))


def test_the_exchanges_volatility_prices_the_option_on_its_own_terms(ask: Asker) -> None:
    cell = ask.chains(convention="nse", expiry="NWeek+1").side(25_200.0, "call")
    years, carried = 8 / 365, SPOT * exp(0.10 * 8 / 365)
    d1 = (log(carried / 25_200.0) + cell["iv"] ** 2 * years / 2) / (cell["iv"] * sqrt(years))
    cdf = NormalDist().cdf
    price = exp(-0.10 * years) * (carried * cdf(d1) - 25_200.0 * cdf(d1 - cell["iv"] * sqrt(years)))
    assert price == pytest.approx(cell["last"], rel=1e-9)


def test_every_answer_says_the_rate_and_convention_it_was_computed_by(ask: Asker) -> None:
    exact, nse = ask.chains().chain, ask.chains(convention="nse").chain
    assert (exact["convention"], exact["rate"]) == ("exact", settings.RISK_FREE_RATE)
    assert (nse["convention"], nse["rate"]) == ("nse", 0.10)
