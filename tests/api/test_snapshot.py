"""`/fo/snapshot`: the same numbers as its parts' own paths give, all of one instant."""

from typing import Any

import pytest

from tests.api.alike import assert_alike, queries_of
from tests.api.asking import Asker, Json
from tests.api.market import FAR, NEAR, SILENT
from tests.api.two_days import CALLS, CLOSED

pytestmark = pytest.mark.usefixtures("two_days")

NIFTY = {"underlying": "NIFTY"}


def snapshot(ask: Asker, **parameters: Any) -> Json:
    """Return an answer."""
    return ask("/fo/snapshot", **NIFTY, **parameters).body


@pytest.mark.parametrize("expiry", [str(NEAR), str(FAR), str(CALLS), str(SILENT)])
@pytest.mark.parametrize("convention", ["exact", "nse"])
@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_every_part_is_what_its_own_path_answers(ask: Asker, at: dict[str, str], convention: str, expiry: str) -> None:
    chosen = {**NIFTY, **at, "expiry": expiry, "convention": convention}
    body = snapshot(ask, **at, expiry=expiry, convention=convention, levels=3, limit=2)
    assert body["chain"] == ask("/fo/strike-distribution", **chosen, levels=3).chain
    (smile,) = ask("/fo/smile", **chosen).body["smiles"]
    assert body["smile"] == {name: smile[name] for name in body["smile"]}
    (exposure,) = ask("/fo/exposure", **chosen).body["exposures"]
    assert body["exposure"] == {name: exposure[name] for name in body["exposure"]}
    changes = ask("/fo/oi-change", **NIFTY, **at, expiry=expiry, limit=2).body
    assert [body["oi_change"][name] for name in ("gainers", "losers")] == [changes["gainers"], changes["losers"]]
    assert body["oi_change"]["reference_ts"] == changes["expiries"][0]["reference_ts"]
    assert body["expiries"] == ask("/fo/expiries", **NIFTY, **at).body["expiries"]


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_everything_is_of_one_instant_and_one_state(ask: Asker, at: dict[str, str]) -> None:
    body = snapshot(ask, **at)
    for name in ("expiry", "ts_event", "source", "epoch", "seq", "convention"):
        assert body[name] == body["chain"][name]
    assert body["chain"]["atm_iv"] == body["smile"]["atm_iv"]
    assert body["chain"]["straddle"] == body["smile"]["straddle"]
    assert (body["source"], body["seq"] is None) == (("bars", True) if at else ("live", False))


def test_the_nearest_expiry_and_its_defaults_are_said(ask: Asker) -> None:
    body = snapshot(ask)
    assert (body["expiry"], body["levels"], body["limit"], body["rank_days"]) == (str(NEAR), 50, 10, 252)
    assert len(body["chain"]["strikes"]) == 11


def test_live_and_just_after_the_minute_closed_the_numbers_are_the_same(ask: Asker) -> None:
    assert_alike(snapshot(ask), snapshot(ask, at=CLOSED), rel=1e-5)


@pytest.mark.parametrize("at", [{}, {"at": CLOSED}], ids=["live", "past"])
def test_a_snapshot_takes_a_handful_of_queries_and_fewer_when_asked_again(ask: Asker, at: dict[str, str]) -> None:
    first = queries_of(lambda: snapshot(ask, **at))
    assert first == queries_of(lambda: snapshot(ask, levels=0, limit=1, **at)) <= 12


@pytest.mark.parametrize(
    ("parameter", "value"), [("expiry", "NWeek+99"), ("levels", -1), ("limit", 0), ("rank_days", 0), ("window", "day")]
)
def test_junk_is_refused_by_name(ask: Asker, parameter: str, value: object) -> None:
    assert set(ask("/fo/snapshot", **NIFTY, **{parameter: value}).problem(400)) == {parameter}


def test_an_unknown_underlying_is_refused_on_every_path(ask: Asker) -> None:
    for path in ("smile", "term-structure", "surface", "exposure", "oi-change", "snapshot"):
        assert set(ask(f"/fo/{path}", underlying="NOPE").problem(400)) == {"underlying"}
        assert set(ask(f"/fo/{path}").problem(400)) == {"underlying"}
