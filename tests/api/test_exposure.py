"""`/fo/exposure`: every term by its formula from the strike distribution, totals by summing, the flip by looking."""

import math
from statistics import NormalDist
from typing import Any

import pytest

from tests.api.alike import assert_alike, queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, RATE, SILENT, STRIKES, YEAR_MS
from tests.api.two_days import CLOSED, EMPTY, HEAVY, HIDDEN

pytestmark = pytest.mark.usefixtures("two_days")

SIGNS = {"call": 1.0, "put": -1.0}
GREEKS = ("gex", "vanna", "charm")
density = NormalDist().pdf


def exposure(ask: Asker, **parameters: Any) -> Json:
    """Return the only chain of an answer."""
    (found,) = ask("/fo/exposure", underlying="NIFTY", **parameters).body["exposures"]
    return dict(found)


def terms(chain: Json, row: Json, side: str, forward: float | None = None) -> dict[str, float] | None:
    """Return a contract's terms from the formulas; None where its open interest or volatility is unknown."""
    cell = row.get(side)
    if cell is None or cell["oi"] is None:
        return None
    if cell["oi"] == 0:
        return dict.fromkeys(GREEKS, 0.0)
    f, strike, t = forward or chain["forward"], row["strike"], (chain["ts_expiry"] - chain["ts_event"]) / YEAR_MS
    otm = row.get("put" if chain["forward"] >= strike else "call", {}).get("iv")
    sigma = otm or row.get("call" if chain["forward"] >= strike else "put", {}).get("iv")
    if sigma is None:
        return None
    deviation, spot = sigma * math.sqrt(t), f * math.exp(-RATE * t)
    d1 = math.log(f / strike) / deviation + deviation / 2
    d2 = d1 - deviation
    signed = SIGNS[side] * cell["oi"]
    return {
        "gex": signed * density(d1) / (spot * deviation) * spot * spot * 0.01,
        "vanna": -signed * density(d1) * d2 / (100 * sigma) * spot,
        "charm": -signed * density(d1) * (RATE / deviation - d2 / (2 * t)) / 365 * spot,
    }


@pytest.mark.parametrize("expiry", [NEAR, FAR])
@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_terms_and_totals_are_those_of_the_formulas(ask: Asker, at: dict[str, str], expiry: object) -> None:
    chain = ask.chains(expiry=str(expiry), **at).chain
    found = exposure(ask, expiry=str(expiry), **at)
    sums = {name: dict.fromkeys(("call", "put", "net"), 0.0) for name in GREEKS}
    for row, shown in zip(chain["strikes"], found["strikes"], strict=True):
        assert shown["strike"] == row["strike"]
        for side in SIGNS:
            expected = terms(chain, row, side)
            for name in GREEKS:
                term = None if expected is None else expected[name]
                assert shown[name][side] == (None if term is None else pytest.approx(term, rel=1e-6, abs=1e-6))
                sums[name][side] += term or 0.0
                sums[name]["net"] += term or 0.0
    for name in GREEKS:
        total = {side: found["totals"][name][side] for side in ("call", "put", "net")}
        assert total == pytest.approx(sums[name], rel=1e-6)


def test_the_assumption_is_named(ask: Asker) -> None:
    assert "dealers" in exposure(ask)["assumption"]


def test_contracts_with_open_interest_and_no_greek_are_counted(ask: Asker) -> None:
    found = exposure(ask, expiry=str(FAR))
    assert [found["totals"][name]["left_out"] for name in GREEKS] == [2, 2, 2]
    assert found["oi_unknown"] == 1
    hidden = next(row for row in found["strikes"] if row["strike"] == HIDDEN[1])
    assert hidden["gex"] == {"call": None, "put": None, "net": None}
    assert exposure(ask)["totals"]["gex"]["left_out"] == 0


def test_no_open_interest_is_no_exposure_and_unknown_is_null(ask: Asker) -> None:
    rows = {row["strike"]: row for row in exposure(ask)["strikes"]}
    assert rows[EMPTY[2]]["gex"]["put"] == 0.0
    assert rows[25_500.0]["gex"]["put"] is None
    assert rows[25_500.0]["gex"]["net"] == rows[25_500.0]["gex"]["call"]


def test_levels_limit_the_rows_and_nothing_else(ask: Asker) -> None:
    whole = exposure(ask)
    for levels in (0, 1, 3, 500):
        part = exposure(ask, levels=levels)
        at = STRIKES.index(25_000.0)
        assert [row["strike"] for row in part["strikes"]] == list(STRIKES[max(0, at - levels) : at + levels + 1])
        assert {n: v for n, v in part.items() if n != "strikes"} == {n: v for n, v in whole.items() if n != "strikes"}


def test_walls_are_the_largest_terms_of_each_side(ask: Asker) -> None:
    for expiry in (NEAR, FAR):
        found = exposure(ask, expiry=str(expiry))
        for side, wall in (("call", "call_wall"), ("put", "put_wall")):
            sizes = {row["strike"]: abs(row["gex"][side] or 0.0) for row in found["strikes"]}
            assert found[wall] == max(sizes, key=lambda strike: sizes[strike])
        assert found["put_wall"] == HEAVY < found["call_wall"]


def test_the_flip_is_where_total_gamma_changes_sign_nearest_the_forward(ask: Asker) -> None:
    for expiry in (NEAR, FAR):
        chain, found = ask.chains(expiry=str(expiry)).chain, exposure(ask, expiry=str(expiry))
        flip, present = found["flip"], chain["forward"]
        if flip is None:
            assert found["reasons"]["flip"] == "no_sign_change"
            flip = present * 1.1

        def total(forward: float, chain: Json = chain) -> float:
            contracts = [terms(chain, row, side, forward) for row in chain["strikes"] for side in SIGNS]
            return sum(one["gex"] for one in contracts if one is not None)

        nearer = [present + (flip - present) * step / 400 for step in range(399)]
        nearer += [2 * present - forward for forward in nearer]
        assert len({total(forward) > 0 for forward in nearer}) == 1
        if found["flip"] is not None:
            assert (total(flip * (1 - 1e-6)) > 0) != (total(flip * (1 + 1e-6)) > 0)


def test_without_a_forward_everything_is_null_with_the_reason(ask: Asker) -> None:
    found = exposure(ask, expiry=str(SILENT))
    assert found["totals"]["gex"] == {"call": None, "put": None, "net": None, "left_out": 0}
    assert found["reasons"] == dict.fromkeys(("flip", "call_wall", "put_wall"), "no_forward")
    assert len(found["strikes"]) == len(STRIKES)


def test_an_expired_chain_leaves_out_whatever_has_open_interest(ask: Asker) -> None:
    found = exposure(ask, at="2026-02-02T23:00:00", expiry=str(NEAR))
    assert found["totals"]["gex"]["left_out"] == 0
    expired = exposure(ask, at="2026-02-03T15:30:00", expiry=str(NEAR))
    assert (expired["reason"], expired["flip"], expired["reasons"]["flip"]) == ("expired", None, "expired")


def test_live_and_just_after_the_minute_closed_the_numbers_are_the_same(ask: Asker) -> None:
    assert_alike(exposure(ask), exposure(ask, at=CLOSED), rel=1e-5)


def test_the_number_of_expiries_does_not_change_the_number_of_queries(ask: Asker) -> None:
    def asked(expiry: list[str]) -> int:
        return queries_of(lambda: ask("/fo/exposure", underlying="NIFTY", at=CLOSED, expiry=expiry))

    assert asked([str(NEAR)]) == asked([str(NEAR), str(FAR), str(SILENT)]) <= 9


@pytest.mark.parametrize(("parameter", "value"), [("levels", -1), ("levels", 501), ("expiry", "2026-02-04"), ("by", 1)])
def test_junk_is_refused_by_name(ask: Asker, parameter: str, value: object) -> None:
    assert set(ask("/fo/exposure", underlying="NIFTY", **{parameter: value}).problem(400)) == {parameter}
