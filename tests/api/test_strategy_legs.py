"""`/strategies/{id}/instruments`: legs added, traded and taken out, by whom they are theirs."""

from typing import Any

import pytest

from strategies import models
from tests.api.described import assert_described
from tests.api.strategy_clients import AT, CALL, LATER, PUT, STRADDLE, Cast
from tests.api.strategy_clients import cast as cast

LEG = PUT | {"lots": 1, "price": "99.95", "strike": "25500"}
EXIT = {"lots": 1, "price": "130", "at": LATER}


@pytest.fixture
def path(cast: Cast) -> str:
    """The path of a strategy's legs."""
    return f"/strategies/{cast.make()['id']}/instruments"


def first_leg(cast: Cast, path: str) -> str:
    """Return the path of the first leg."""
    return f"{path}/{cast.owner('GET', path).body['instruments'][0]['id']}"


def stored() -> list[tuple[Any, ...]]:
    """Return all that was ever traded."""
    return list(models.Fill.objects.order_by("pk").values_list("leg", "direction", "lots", "price", "at"))


def test_a_leg_that_is_added_is_the_last_of_the_list(cast: Cast, path: str) -> None:
    made = cast.owner("POST", path, LEG)
    assert made.status == 201
    assert_described(made.body, "/strategies/{id}/instruments", "post", "201")
    assert cast.owner("GET", path).body["instruments"][-1] == made.body
    assert cast.owner("GET", f"{path}/{made.body['id']}").body == made.body


def test_lots_are_added_at_the_average_and_exited_at_a_gain(cast: Cast, path: str) -> None:
    leg = first_leg(cast, path)
    added = cast.owner("POST", f"{leg}/entries", {"lots": 1, "price": "141.00", "at": LATER})
    assert (added.status, added.body["average_price"], added.body["units"]) == (201, "140.6667", -195)
    left = cast.owner("POST", f"{leg}/exits", {"lots": 3, "price": "100.0125", "average": True, "at": LATER})
    assert (left.status, left.body["open_lots"], left.body["average_price"]) == (201, 0, None)
    assert left.body["realised"] == "7927.56"  # (2 × 140.50 + 141 − 3 × 100.0125) × 65 = 7927.5625
    assert [fill["direction"] for fill in left.body["fills"]] == ["entry", "entry", "exit"]


REFUSED: list[tuple[Any, str]] = [
    ({}, "lots"),
    (EXIT | {"lots": True}, "lots"),
    (EXIT | {"lots": 10**12}, "lots"),
    (EXIT | {"lots": "1"}, "lots"),
    (EXIT | {"price": "-1"}, "price"),
    (EXIT | {"price": "130.01"}, "price"),
    (EXIT | {"price": "1e9"}, "price"),
    (EXIT | {"at": "2026-02-01T23:00:00+05:30", "price": "130"}, "at"),  # before the entry
    (EXIT | {"at": "2026-02-03T15:30:01+05:30"}, "at"),
    (EXIT | {"at": "2099-02-03T15:30:01+05:30"}, "at"),
    (EXIT | {"average": "perhaps"}, "average"),
    (EXIT | {"side": "BUY"}, "side"),
    ({"lots": 1, "price": "130"}, "at"),  # now: the contract has expired
    ({"lots": 1}, "at"),
    ([EXIT], "non_field_errors"),
]


@pytest.mark.parametrize("action", ["entries", "exits"])
def test_a_trade_that_cannot_be_is_refused_with_its_field(cast: Cast, path: str, action: str) -> None:
    before, leg = stored(), first_leg(cast, path)
    for body, field in REFUSED:
        assert field in cast.owner("POST", f"{leg}/{action}", body).problem(400), body
        assert stored() == before, body


def test_no_more_is_exited_than_is_open(cast: Cast, path: str) -> None:
    leg = first_leg(cast, path)
    assert "lots" in cast.owner("POST", f"{leg}/exits", EXIT | {"lots": 3}).problem(400)
    assert cast.owner("POST", f"{leg}/exits", EXIT | {"lots": 2}).status == 201
    assert "leg" in cast.owner("POST", f"{leg}/exits", EXIT).problem(400)
    assert "leg" in cast.owner("POST", f"{leg}/entries", EXIT).problem(400)


def test_what_is_asked_for_again_under_its_key_happens_once(cast: Cast, path: str) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "a-1"}
    first, again = (cast.owner("POST", path, LEG, **key) for _ in range(2))
    assert (again.status, again.body) == (first.status, first.body) == (201, first.body)
    other = {"HTTP_IDEMPOTENCY_KEY": "a-2"}
    leg = first_leg(cast, path)
    exits = [cast.owner("POST", f"{leg}/exits", EXIT, **other).body for _ in range(2)]
    assert exits[0] == exits[1]
    assert len(stored()) == 4
    assert "Idempotency-Key" in cast.owner("POST", f"{leg}/entries", EXIT, **other).problem(400)


@pytest.mark.parametrize("key", ["x" * 65, "a b", "ü", "a'--"])
def test_a_key_that_is_none_is_refused(cast: Cast, path: str, key: str) -> None:
    assert "Idempotency-Key" in cast.owner("POST", path, LEG, HTTP_IDEMPOTENCY_KEY=key).problem(400)


def test_a_key_of_one_strategy_is_none_of_another(cast: Cast, path: str) -> None:
    other = f"/strategies/{cast.make()['id']}/instruments"
    made = [cast.owner("POST", one, LEG, HTTP_IDEMPOTENCY_KEY="k").body["id"] for one in (path, other)]
    assert len(set(made)) == 2


def test_a_leg_of_a_draft_is_taken_out_and_one_of_an_active_strategy_is_not(cast: Cast, path: str) -> None:
    assert "status" in cast.owner("DELETE", first_leg(cast, path)).problem(400)
    draft = f"/strategies/{cast.make(status='draft')['id']}/instruments"
    assert cast.owner("DELETE", first_leg(cast, draft)).status == 204
    assert len(cast.owner("GET", draft).body["instruments"]) == 1


def test_a_leg_is_found_by_its_own_strategy_only(cast: Cast, path: str) -> None:
    other = f"/strategies/{cast.make()['id']}/instruments"
    number = first_leg(cast, path).rsplit("/", 1)[1]
    for method, tail, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/exits", EXIT)):
        cast.owner(method, f"{other}/{number}{tail}", body).problem(404)


# ---------------------------------------------------------------- who may


def requests(leg: str, path: str) -> list[tuple[str, str, Any]]:
    """Return a right request for each way of asking."""
    return [
        ("GET", path, None),
        ("GET", leg, None),
        ("POST", path, LEG),
        ("POST", f"{leg}/entries", EXIT),
        ("POST", f"{leg}/exits", EXIT),
        ("DELETE", leg, None),
    ]


def test_a_teammate_sees_legs_and_trades_none(cast: Cast, path: str) -> None:
    before = stored()
    leg = first_leg(cast, path)
    answers = {(method, asked): cast.teammate(method, asked, body) for method, asked, body in requests(leg, path)}
    for (method, asked), answer in answers.items():
        if method == "GET":
            assert (answer.status, answer.body) == (200, cast.owner("GET", asked).body)
        else:
            answer.problem(403)
    assert stored() == before


def test_a_stranger_cannot_tell_legs_from_such_as_are_not_there(cast: Cast, path: str) -> None:
    before = stored()
    nowhere = "/strategies/999999/instruments"
    there, gone = requests(first_leg(cast, path), path), requests(f"{nowhere}/7", nowhere)
    for (method, asked, body), (_, missing, _) in zip(there, gone, strict=True):
        assert cast.stranger(method, asked, body).problem(404) == {}
        assert cast.stranger(method, asked, body).body == cast.stranger(method, missing, body).body
    assert stored() == before


def test_times_without_an_offset_are_those_of_the_exchange(cast: Cast, path: str) -> None:
    made = cast.owner("POST", path, LEG | {"at": "2026-02-02T09:30:00"})
    assert made.body["fills"][0]["at"] == AT
    assert cast.owner("POST", path, LEG | {"at": "2026-02-02T04:00:00Z"}).body["fills"][0]["at"] == AT


def test_a_label_is_that_of_the_day_of_entry(cast: Cast, path: str) -> None:
    made = cast.owner("POST", path, CALL | {"lots": 1, "price": "1", "expiry": "NWeek+1"})
    assert made.body["instrument"]["expiry"] == "2026-02-10"
    refused = cast.owner("POST", path, CALL | {"lots": 1, "price": "1", "expiry": "NWeek+9"}).problem(400)
    assert {"NWeek+0", "NWeek+1"} <= set(refused["expiry"]["valid"])


def test_a_strategy_of_two_legs_is_the_straddle_that_was_asked_for(cast: Cast, path: str) -> None:
    legs = cast.owner("GET", path).body["instruments"]
    shown = [(leg["instrument"]["kind"], leg["open_lots"], leg["average_price"]) for leg in legs]
    assert shown == [(leg["kind"], leg["lots"], leg["price"]) for leg in STRADDLE]
