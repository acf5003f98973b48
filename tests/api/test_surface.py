"""`/fo/surface`: recomputed by plain interpolation from the points of `/fo/smile`; arbitrage from made prices."""

import math
from typing import Any

import numpy as np
import pytest

from tests.api.alike import assert_alike, queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, SILENT
from tests.api.two_days import CALLS, CDF, CLOSED, SPIKE

pytestmark = pytest.mark.usefixtures("two_days")

EVERY = [str(day) for day in (NEAR, FAR, CALLS, SILENT)]


def surface(ask: Asker, **parameters: Any) -> Json:
    """Return an answer."""
    return ask("/fo/surface", underlying="NIFTY", **parameters).body


def smiles(ask: Asker, **parameters: Any) -> dict[str, Json]:
    """Return every expiry's smile."""
    body = ask("/fo/smile", underlying="NIFTY", expiry=EVERY, **parameters).body
    return {smile["expiry"]: smile for smile in body["smiles"]}


def variance_at(smile: Json, x: float) -> float:
    """Return the total variance at ln(K/F), linear in volatility between known points; NaN outside."""
    known = [(point["log_moneyness"], point["iv"]) for point in smile["points"] if point["iv"] is not None]
    if not known or not known[0][0] <= x <= known[-1][0]:
        return math.nan
    points, ivs = np.array(known).T
    return float(np.interp(x, points, ivs)) ** 2 * float(smile["years"])


def same(found: float | None, expected: float) -> None:
    """Demand a number, or null for NaN."""
    assert found == (None if math.isnan(expected) else pytest.approx(expected, rel=1e-9))


def test_the_grid_is_even_and_symmetric_and_its_default_is_said(ask: Asker) -> None:
    body = surface(ask)
    assert (body["axis"], body["width"], body["points"], len(body["grid"])) == ("log_moneyness", 0.1, 21, 21)
    assert body["grid"] == pytest.approx([-0.1 + 0.01 * step for step in range(21)], abs=1e-15)
    assert (body["calendar_tolerance"], body["butterfly_tolerance"]) == (1e-6, 0.1)
    assert body["grid"] == [-value for value in reversed(body["grid"])]


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_a_listed_expirys_row_is_its_smile_interpolated(ask: Asker, at: dict[str, str]) -> None:
    body, listed = surface(ask, width=0.03, points=13, **at), smiles(ask, **at)
    assert [row["expiry"] for row in body["expiries"]] == EVERY
    known = 0
    for row in body["expiries"][:-1]:
        for x, variance, iv in zip(body["grid"], row["total_variance"], row["iv"], strict=True):
            expected = variance_at(listed[row["expiry"]], x)
            same(variance, expected)
            same(iv, math.sqrt(expected / row["years"]))
            known += variance is not None
    assert 15 <= known <= 30


def test_an_expiry_without_a_forward_is_a_row_of_nulls(ask: Asker) -> None:
    silent = surface(ask, points=3)["expiries"][-1]
    assert (silent["iv"], silent["total_variance"], silent["calendar_arbitrage"]) == ([None] * 3,) * 3
    assert (silent["reason"], silent["butterfly_arbitrage"]) == ("no_forward", [])


def test_standard_deviations_scale_the_grid_by_each_expirys_own(ask: Asker) -> None:
    body, listed = surface(ask, axis="deviations", points=5), smiles(ask)
    assert (body["width"], body["grid"]) == (2.0, [-2.0, -1.0, 0.0, 1.0, 2.0])
    for row in body["expiries"][:-1]:
        smile = listed[row["expiry"]]
        one = smile["atm_iv"] * math.sqrt(smile["years"]) if smile["atm_iv"] else math.nan
        for z, x, variance in zip(body["grid"], row["log_moneyness"], row["total_variance"], strict=True):
            same(x, z * one)
            same(variance, variance_at(smile, z * one))


def test_between_expiries_total_variance_is_linear_in_time_and_nothing_is_extrapolated(ask: Asker) -> None:
    body, listed = surface(ask, width=0.01, points=3, days=["0.5", "4.5", "300"]), smiles(ask)
    near, far = listed[str(NEAR)], listed[str(FAR)]
    early, between, late = body["maturities"]
    share = (4.5 / 365 - near["years"]) / (far["years"] - near["years"])
    for x, variance, iv in zip(body["grid"], between["total_variance"], between["iv"], strict=True):
        expected = (1 - share) * variance_at(near, x) + share * variance_at(far, x)
        same(variance, expected)
        same(iv, math.sqrt(expected / (4.5 / 365)))
    assert (early["iv"], late["iv"]) == ([None] * 3, [None] * 3)


@pytest.mark.parametrize("tolerance", [0.0, 1e-6, 2e-4])
def test_variance_below_that_of_an_earlier_expiry_is_flagged(ask: Asker, tolerance: float) -> None:
    body = surface(ask, width=0.02, points=41, calendar_tolerance=tolerance)
    rows = body["expiries"][:-1]
    for later, row in enumerate(rows):
        for at, flag in enumerate(row["calendar_arbitrage"]):
            own = row["total_variance"][at]
            earlier = [one["total_variance"][at] for one in rows[:later] if one["total_variance"][at] is not None]
            assert flag == (None if own is None else any(own < before - tolerance for before in earlier))
    assert body["calendar_tolerance"] == tolerance
    assert any(rows[-1]["calendar_arbitrage"]) == (tolerance < 1e-4)
    assert not any(rows[1]["calendar_arbitrage"])


@pytest.mark.parametrize("tolerance", [0.0, 0.1, 5.0])
def test_a_strike_dearer_than_its_neighbours_line_is_flagged(ask: Asker, tolerance: float) -> None:
    rows, listed = surface(ask, butterfly_tolerance=tolerance)["expiries"], smiles(ask)
    for row in rows[:-1]:
        smile = listed[row["expiry"]]
        known = [point for point in smile["points"] if point["iv"] is not None]
        prices = [_call(smile["forward"], one["strike"], one["iv"] * math.sqrt(smile["years"])) for one in known]
        dear = []
        for at in range(1, len(known) - 1):
            low, strike, high = (known[at + step]["strike"] for step in (-1, 0, 1))
            line = prices[at - 1] + (prices[at + 1] - prices[at - 1]) * (strike - low) / (high - low)
            if prices[at] > line + tolerance:
                dear.append(strike)
        assert row["butterfly_arbitrage"] == dear
        assert (SPIKE[1] in dear) == (row["expiry"] == str(SPIKE[0]))


def _call(forward: float, strike: float, deviation: float) -> float:
    d1 = math.log(forward / strike) / deviation + deviation / 2
    return forward * CDF(d1) - strike * CDF(d1 - deviation)


def test_an_expired_chain_has_no_row_of_numbers(ask: Asker) -> None:
    (row,) = surface(ask, at="2026-02-03T15:30:00", expiry=str(NEAR), points=2)["expiries"]
    assert (row["reason"], row["iv"], row["atm_iv"]) == ("expired", [None, None], None)
    assert surface(ask, at="2025-06-02T10:00", days=7, points=2)["maturities"][0]["iv"] == [None, None]


def test_live_and_just_after_the_minute_closed_the_numbers_are_the_same(ask: Asker) -> None:
    chosen = {"expiry": EVERY[:3], "points": 7, "width": 0.02}
    assert_alike(surface(ask, **chosen), surface(ask, at=CLOSED, **chosen), rel=1e-5)


def test_the_number_of_expiries_does_not_change_the_number_of_queries(ask: Asker) -> None:
    one = queries_of(lambda: surface(ask, at=CLOSED, expiry=EVERY[0]))
    assert one == queries_of(lambda: surface(ask, at=CLOSED)) <= 9


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("axis", "delta"),
        ("width", "0"),
        ("width", "nan"),
        ("width", "inf"),
        ("points", "1"),
        ("points", "202"),
        ("days", "-1"),
        ("days", "nan"),
        ("calendar_tolerance", "-1"),
        ("butterfly_tolerance", "NaN"),
        ("levels", "3"),
    ],
)
def test_junk_is_refused_by_name(ask: Asker, parameter: str, value: str) -> None:
    problem = ask("/fo/surface", underlying="NIFTY", **{parameter: value}).problem(400)
    assert {name.split(".")[0] for name in problem} == {parameter}
