"""`/strategies/{id}/scenario` and `/strategies/scenario`: every cell by the formulas of closed_form.py."""

from typing import Any

import pytest

from accounts.models import User
from tests.api.asking import Answer, Asker, Json, answer_of
from tests.api.closed_form import worth
from tests.api.market import EXPIRY, FAR, LAST, LOT, NEAR, SIGMA
from tests.api.strategies_made import add, instrument, list_stock, short_straddle, strategy_of

pytestmark = pytest.mark.usefixtures("market")
CALL: Json = {"underlying": "NIFTY", "kind": "CE", "expiry": "2026-02-03", "strike": 25_000, "side": "BUY", "lots": 1}


def post(ask: Asker, path: str, **body: Any) -> Answer:
    """POST a body."""
    return answer_of(ask.client.post(path, body, format="json"))


def test_every_cell_is_the_gain_at_its_spot_shift_and_instant(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    asked = {"spots": 5, "spot_range": 2, "shifts": 3, "shift_range": 4, "times": 3}
    body = ask(f"/strategies/{strategy.pk}/scenario", **asked).body
    assert body["spot"] == ["24500.00", "24750.00", "25000.00", "25250.00", "25500.00"]
    assert body["shift"] == [-4, 0, 4]
    assert (body["time"][0], body["time"][-1]) == (LAST // 1000, EXPIRY // 1000)
    assert len(body["value"]) == 5
    wrong = [
        (spot, shift, time)
        for spot, sheet in zip(map(float, body["spot"]), body["value"], strict=True)
        for shift, row in zip(body["shift"], sheet, strict=True)
        for time, cell in zip(body["time"], row, strict=True)
        if float(cell) != pytest.approx(gain(spot, SIGMA + shift / 100, time * 1000), abs=0.05)
    ]
    assert wrong == []


def gain(spot: float, sigma: float, at_ms: int) -> float:
    """Return what the straddle sold for 300.75 has gained."""
    both = (worth(kind, NEAR, 25_000, spot=spot, sigma=sigma, at_ms=at_ms) for kind in ("CE", "PE"))
    return LOT * (300.75 - sum(both))


def test_a_grid_of_one_is_the_present(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    body = ask(f"/strategies/{strategy.pk}/scenario", spots=1, shifts=1, times=1).body
    assert (body["spot"], body["shift"], body["time"]) == (["25000.00"], [0], [LAST // 1000])
    assert float(body["value"][0][0][0]) == pytest.approx(gain(25_000, SIGMA, LAST), abs=0.02)


def test_what_goes_beyond_the_limits_is_cut_and_said(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    asked = {"spot_range": 80, "shift_range": 51, "until": "2026-02-04", "spots": 3, "shifts": 3, "times": 2}
    body = ask(f"/strategies/{strategy.pk}/scenario", **asked).body
    assert body["capped"] == ["spot_range", "shift_range", "until"]
    assert (body["spot_range"], body["shift_range"], body["time"][-1]) == (50, 50, EXPIRY // 1000)
    # No volatility is 15 − 50 points.
    assert [row[0][0] for row in body["value"]] == [None] * 3
    early = ask(f"/strategies/{strategy.pk}/scenario", until="2026-02-01", times=2).body
    assert (early["capped"], early["time"]) == (["until"], [LAST // 1000] * 2)


def test_without_an_end_it_ends_at_the_first_expiry_and_may_end_at_the_last(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, instrument("CE", 25_000), "SELL", "160")
    add(strategy, instrument("CE", 25_000, FAR), "BUY", "255")
    first = ask(f"/strategies/{strategy.pk}/scenario", times=2).body
    assert first["time"][-1] == EXPIRY // 1000
    last_ms = first["market"]["expiries"][1]["ts_expiry"]
    last = ask(f"/strategies/{strategy.pk}/scenario", times=2, spots=3, shifts=1, until=last_ms // 1000).body
    assert (last["time"][-1], last["capped"]) == (last_ms // 1000, [])
    # Both calls are worth the same at the last expiry: what is left is what was paid.
    assert [row[0][1] for row in last["value"]] == ["-6175.00"] * 3


def test_what_if_adds_and_closes_without_storing(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    call, put = short_straddle(strategy)
    path = f"/strategies/{strategy.pk}/scenario"
    before = ask(path).body
    exits = [{"leg": leg.pk} for leg in (call, put)]
    body = post(ask, path, legs=[{**CALL, "price": "150"}], exits=exits, spots=3, shifts=1, times=2).body
    # Closed at the marks, which are the closed form to a hundredth of a paisa: that gain is fixed.
    fixed = gain(25_000, SIGMA, LAST)
    left = [LOT * (max(float(spot) - 25_000, 0) - 150) + fixed for spot in body["spot"]]
    assert [float(row[0][1]) for row in body["value"]] == pytest.approx(left, abs=0.02)
    assert ask(path).body == before


def test_legs_that_are_stored_nowhere_have_a_scenario(ask: Asker) -> None:
    body = post(ask, "/strategies/scenario", legs=[{**CALL, "price": "100"}], spots=41, shifts=21, times=21).body
    assert (len(body["value"]), len(body["value"][0]), len(body["value"][0][0])) == (41, 21, 21)
    assert body["value"][20][10][20] == "-6500.00"


def test_a_share_is_worth_its_spot_at_any_instant(ask: Asker, owner: User) -> None:
    strategy = strategy_of(owner)
    add(strategy, list_stock(), "BUY", "1400")
    answer = ask(f"/strategies/{strategy.pk}/scenario")
    answer.problem(503)
    assert "RELIANCE" in answer.body["detail"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spots", 42),
        ("spots", 0),
        ("shifts", 22),
        ("times", 22),
        ("spot_range", -1),
        ("spot_range", "inf"),
        ("shift_range", "nan"),
        ("until", "tomorrow"),
        ("legs", "[]"),
        ("x", "1"),
    ],
)
def test_junk_is_refused_by_name(ask: Asker, owner: User, name: str, value: object) -> None:
    strategy = strategy_of(owner)
    short_straddle(strategy)
    assert set(ask(f"/strategies/{strategy.pk}/scenario", **{name: value}).problem(400)) == {name}
