"""`/fo/oi-change`: gainers and losers, by sorting what the market was fed."""

from typing import Any

import pytest

from tests.api.alike import assert_alike, queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, SILENT, STRIKES, Contract
from tests.api.two_days import (
    BEFORE,
    BLIND,
    CALLS,
    CLOSED,
    EMPTY,
    HIDDEN,
    MONDAY,
    NEW,
    NOW,
    SUNDAY,
    SUNDAY_CLOSE,
    last_at,
    oi_at,
)

pytestmark = pytest.mark.usefixtures("two_days")

SIDES = {"CE": "call", "PE": "put"}
UNSEEN = [(NEAR, "PE", 25_500.0), BLIND]
WINDOWS = {"day": BEFORE, "5m": MONDAY[1], "10m": MONDAY[1], "12m": MONDAY[0], "15m": MONDAY[0], "17m": BEFORE}


def changes(ask: Asker, **parameters: Any) -> Json:
    """Return an answer, whole unless a limit is said."""
    return ask("/fo/oi-change", underlying="NIFTY", **{"limit": 100, **parameters}).body


def sorted_out(expiry: Any, before: int, *, sign: int, by: str = "absolute") -> list[tuple[Contract, float]]:
    """Return an expiry's gainers (sign 1) or losers (-1) with their changes, by sorting."""
    found = []
    for kind in SIDES:
        for strike in STRIKES:
            contract = (expiry, kind, strike)
            now, then = oi_at(contract, NOW), oi_at(contract, before)
            if contract in UNSEEN or now is None or then is None or (by == "percent" and then == 0):
                continue
            change = 100 * (now - then) / then if by == "percent" else now - then
            if sign * change > 0:
                found.append((contract, change))
    return sorted(found, key=lambda item: (-sign * item[1], item[0][2], item[0][1]))


def named(rows: list[Json]) -> list[tuple[str, str, float]]:
    """Return which contracts rows are of."""
    return [(row["expiry"], row["side"], row["strike"]) for row in rows]


@pytest.mark.parametrize("by", ["absolute", "percent"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_gainers_and_losers_are_those_of_plain_sorting(ask: Asker, at: dict[str, str], window: str, by: str) -> None:
    body = changes(ask, window=window, by=by, **at)
    for name, sign in (("gainers", 1), ("losers", -1)):
        expected = sorted_out(NEAR, WINDOWS[window], sign=sign, by=by)
        assert named(body[name]) == [(str(day), SIDES[kind], strike) for (day, kind, strike), _ in expected]
        field = "oi_change_percent" if by == "percent" else "oi_change"
        assert [row[field] for row in body[name]] == pytest.approx([change for _, change in expected])


def test_a_row_says_what_changed_from_what(ask: Asker) -> None:
    body = changes(ask)
    assert len(body["gainers"]) + len(body["losers"]) >= 10
    for row in (*body["gainers"], *body["losers"]):
        contract = (NEAR, {"call": "CE", "put": "PE"}[row["side"]], row["strike"])
        before, now = last_at(contract, BEFORE), last_at(contract, NOW)
        assert (row["oi"], row["oi_reference"]) == (oi_at(contract, NOW), oi_at(contract, BEFORE))
        assert (row["last"], row["price_reference"]) == (pytest.approx(now), pytest.approx(before))
        assert row["price_change"] == pytest.approx(now - before)
        assert row["price_change_percent"] == pytest.approx(100 * (now - before) / before)


@pytest.mark.parametrize(("window", "ts"), [("day", SUNDAY_CLOSE), ("5m", MONDAY[1]), ("15m", MONDAY[0])])
def test_the_reference_is_stamped_with_the_close_of_its_minute(ask: Asker, window: str, ts: int) -> None:
    (compared,) = changes(ask, window=window)["expiries"]
    assert compared["reference_ts"] == -(-ts // 60_000) * 60_000


def test_a_minute_not_closed_by_then_is_no_reference(ask: Asker) -> None:
    (compared,) = changes(ask, window="5m", at="2026-02-02T10:06:00")["expiries"]
    assert compared["reference_ts"] == -(-MONDAY[0] // 60_000) * 60_000
    (compared,) = changes(ask, window="5m", at="2026-02-02T10:05:59")["expiries"]
    assert compared["reference_ts"] == SUNDAY_CLOSE


def test_chains_are_ranked_together_and_summed_apart(ask: Asker) -> None:
    body = changes(ask, expiry=[str(NEAR), "NWeek+1"])
    both = sorted_out(NEAR, BEFORE, sign=1) + sorted_out(FAR, BEFORE, sign=1)
    expected = sorted(both, key=lambda item: (-item[1], item[0][2], item[0][1], item[0][0]))
    assert named(body["gainers"]) == [(str(day), SIDES[kind], strike) for (day, kind, strike), _ in expected]
    for compared, day in zip(body["expiries"], (NEAR, FAR), strict=True):
        for kind, side in SIDES.items():
            known = [(day, kind, strike) for strike in STRIKES if (day, kind, strike) not in (*UNSEEN, NEW)]
            total = sum((oi_at(one, NOW) or 0) - (oi_at(one, BEFORE) or 0) for one in known)
            assert compared[f"{side}_oi_change"] == total
    assert [one["compared"] for one in body["expiries"]] == [20, 21]
    assert [one["contracts"] for one in body["expiries"]] == [22, 22]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_limit_cuts_the_lists_and_nothing_else(ask: Asker, limit: int) -> None:
    whole, part = changes(ask), changes(ask, limit=limit)
    for name in ("gainers", "losers"):
        assert part[name] == whole[name][:limit]
    assert part["expiries"] == whole["expiries"]


def test_ten_rows_since_the_previous_session_are_the_default(ask: Asker) -> None:
    body = ask("/fo/oi-change", underlying="NIFTY", expiry=[str(NEAR), str(FAR)]).body
    names = ("window", "by", "limit", "price_threshold", "oi_threshold")
    assert [body[name] for name in names] == ["day", "absolute", 10, 0.0, 0.0]
    assert len(body["gainers"]) == 10


@pytest.mark.parametrize(("price", "oi"), [(0.0, 0.0), (30.0, 0.0), (0.0, 5.0), (30.0, 5.0), (1e6, 0.0)])
def test_a_change_within_a_threshold_builds_nothing_up(ask: Asker, price: float, oi: float) -> None:
    body = changes(ask, price_threshold=price, oi_threshold=oi, expiry=str(FAR))
    assert (body["price_threshold"], body["oi_threshold"]) == (price, oi)
    for row in (*body["gainers"], *body["losers"]):
        if row["strike"] == HIDDEN[1]:
            assert (row["price_change"], row["build_up"]) == (None, None)
            continue
        counts = abs(row["price_change_percent"]) > price and abs(row["oi_change_percent"]) > oi
        risen = ("long_build_up", "short_covering") if row["price_change"] > 0 else ("short_build_up", "long_unwinding")
        assert row["build_up"] == (risen[row["oi_change"] < 0] if counts else "none")


def test_what_did_not_change_or_is_not_known_is_in_no_list(ask: Asker) -> None:
    body = changes(ask)
    shown = named([*body["gainers"], *body["losers"]])
    for day, kind, strike in (EMPTY, NEW, UNSEEN[0]):
        assert (str(day), SIDES[kind], strike) not in shown


def test_without_a_reference_the_lists_are_empty_and_the_reason_is_said(ask: Asker) -> None:
    for parameters, reason in (
        ({"expiry": str(SILENT)}, "no_reference"),
        ({"at": "2026-02-01T15:30:00"}, "no_reference"),
        ({"at": "2026-02-03T15:30:00"}, "no_open_interest"),
    ):
        body = changes(ask, **parameters)
        assert (body["gainers"], body["losers"]) == ([], [])
        (compared,) = body["expiries"]
        assert (compared["reason"], compared["compared"], compared["call_oi_change"]) == (reason, 0, None)


def test_minutes_before_the_open_reach_into_the_session_before(ask: Asker) -> None:
    (compared,) = changes(ask, window="60m", at="2026-02-02T10:01:00")["expiries"]
    assert compared["reference_ts"] == SUNDAY_CLOSE
    assert SUNDAY[-1] < SUNDAY_CLOSE


@pytest.mark.parametrize("window", ["day", "15m"])
def test_live_and_just_after_the_minute_closed_the_numbers_are_the_same(ask: Asker, window: str) -> None:
    chosen = {"window": window, "expiry": [str(NEAR), str(FAR), str(CALLS)]}
    assert_alike(changes(ask, **chosen), changes(ask, at=CLOSED, **chosen))


@pytest.mark.parametrize("window", ["day", "15m"])
@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_the_number_of_expiries_does_not_change_the_number_of_queries(
    ask: Asker, at: dict[str, str], window: str
) -> None:
    one = queries_of(lambda: changes(ask, window=window, **at))
    assert one == queries_of(lambda: changes(ask, window=window, expiry=[str(NEAR), str(FAR), str(CALLS)], **at)) <= 10


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("window", "4m"),
        ("window", "1441m"),
        ("window", "m"),
        ("window", "15"),
        ("window", "-5m"),
        ("window", "٣٠m"),
        ("window", "week"),
        ("by", "oi"),
        ("limit", "0"),
        ("limit", "101"),
        ("price_threshold", "-0.1"),
        ("price_threshold", "nan"),
        ("oi_threshold", "inf"),
        ("expiry", "NWeek+9"),
        ("convention", "exact"),
    ],
)
def test_junk_is_refused_by_name(ask: Asker, parameter: str, value: str) -> None:
    problem = ask("/fo/oi-change", underlying="NIFTY", **{parameter: value}).problem(400)
    assert set(problem) == {parameter}
