"""`/strategies`: made, listed, shown, changed, removed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import TradingAccount, User
from strategies import models
from tests.api.described import assert_described
from tests.api.strategy_clients import AT, CALL, LATER, PUT, STRADDLE, Cast
from tests.api.strategy_clients import cast as cast
from tests.integration.strategies.listed import account_of

FAR_PUT = PUT | {"expiry": "2026-02-10", "lots": 1, "price": "200"}
STOCK = {"tradingsymbol": "ABCD26FEBFUT", "side": "BUY", "lots": 1, "price": "101.05", "at": AT}


def ids(answer: Any) -> list[int]:
    """Return the strategies of a page."""
    assert answer.status == 200
    return [row["id"] for row in answer.body["results"]]


def test_a_strategy_is_made_with_its_legs_and_says_what_it_is_in(cast: Cast) -> None:
    made = cast.make(tags=["weekly", "weekly", "short"], description="sold at the open")
    assert (made["status"], made["tags"], made["underlyings"]) == ("active", ["weekly", "short"], ["NIFTY"])
    assert (made["account"], made["leg_count"], made["open_legs"], made["may_write"]) == (cast.account.pk, 2, 2, True)
    call = made["legs"][0]
    contract = {"underlying": "NIFTY", "kind": "CE", "expiry": "2026-02-03", "strike": "25700.00"}
    assert contract.items() <= call["instrument"].items()
    assert (call["side"], call["open_lots"], call["units"], call["lot_size"]) == ("SELL", 2, -130, 65)
    assert (call["average_price"], call["realised"]) == ("140.50", "0.00")
    assert call["fills"] == [{"direction": "entry", "lots": 2, "price": "140.50", "at": AT}]
    assert made["outdated_since"] == AT
    assert made["created_at"].endswith("+05:30")
    age = datetime.now(UTC) - datetime.fromisoformat(made["created_at"])
    assert abs(age.total_seconds()) < 60


def test_every_key_of_an_answer_is_described(cast: Cast) -> None:
    made = cast.make()
    assert_described(made, "/strategies/{id}", "get")
    assert_described(cast.owner("GET", "/strategies").body, "/strategies", "get")
    assert_described(
        cast.owner("GET", f"/strategies/{made['id']}/instruments").body, "/strategies/{id}/instruments", "get"
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"account": None}, "account"),
        ({"account": 10**30}, "account"),
        ({"account": "1"}, "account"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"nmae": "x"}, "nmae"),
        ({"status": "paused"}, "status"),
        ({"valuation": "best"}, "valuation"),
        ({"tags": "weekly"}, "tags"),
        ({"tags": ["x" * 33]}, "tags.0"),
        ({"legs": [CALL]}, "legs.0.lots"),
        ({"legs": [CALL | {"lots": 0, "price": "1"}]}, "legs.0.lots"),
        ({"legs": [CALL | {"lots": 1.5, "price": "1"}]}, "legs.0.lots"),
        ({"legs": [CALL | {"lots": 1, "price": "0"}]}, "legs.0.price"),
        ({"legs": [CALL | {"lots": 1, "price": "NaN"}]}, "legs.0.price"),
        ({"legs": [CALL | {"lots": 1, "price": "1.00001"}]}, "legs.0.price"),
        ({"legs": [CALL | {"lots": 1, "price": "1.01"}]}, "legs.0.price"),
        ({"legs": [CALL | {"lots": 1, "price": "1", "lot_size": 1}]}, "legs.0.lot_size"),
        ({"legs": [CALL | {"lots": 1, "price": "1", "side": "HOLD"}]}, "legs.0.side"),
        ({"legs": [CALL | {"lots": 1, "price": "1", "at": "yesterday"}]}, "legs.0.at"),
        ({"legs": [CALL | {"lots": 1, "price": "1", "at": "9999-12-31T23:59:59Z"}]}, "legs.0.at"),
        ({"legs": [CALL | {"lots": 1, "price": "1", "at": "0001-01-01T00:00:00Z"}]}, "legs.0.at"),
        ({"legs": [CALL | {"lots": 1, "price": "1", "strike": "25701"}]}, "legs.0.strike"),
        ({"legs": [CALL | {"lots": 1, "price": "1"}] * 41}, "legs"),
        ({"legs": []}, "status"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(cast: Cast, change: dict[str, Any], field: str) -> None:
    wanted = {"account": cast.account.pk, "name": "straddle", "status": "active", "legs": STRADDLE} | change
    problem = cast.owner("POST", "/strategies", wanted).problem(400)
    assert field in problem
    assert (models.Strategy.objects.count(), models.Leg.objects.count()) == (0, 0)


def test_a_list_is_chosen_by_account_status_tag_and_underlying(cast: Cast, owner: User) -> None:
    other = account_of(owner, "other")
    straddle = cast.make(tags=["weekly"])["id"]
    stock = cast.make(account=other.pk, legs=[STOCK], tags=["weekly", "stock"])["id"]
    draft = cast.make(status="draft", legs=[STOCK, *STRADDLE])["id"]
    ask = cast.owner
    assert ids(ask("GET", "/strategies")) == [draft, stock, straddle]
    assert ids(ask("GET", "/strategies", {"account": other.pk})) == [stock]
    assert ids(ask("GET", "/strategies", {"status": "draft"})) == [draft]
    assert ids(ask("GET", "/strategies", {"tag": "weekly"})) == [stock, straddle]
    assert ids(ask("GET", "/strategies", {"underlying": "nifty 50"})) == [draft, straddle]
    assert ids(ask("GET", "/strategies", {"underlying": "ABCD", "tag": "weekly"})) == [stock]
    assert ids(ask("GET", "/strategies", {"tag": "%"})) == []


@pytest.mark.parametrize(
    "asked", [{"status": "open"}, {"account": "x"}, {"tag": ""}, {"underlying": "NOBODY"}, {"colour": "red"}]
)
def test_a_parameter_that_is_wrong_or_unknown_is_named(cast: Cast, asked: dict[str, str]) -> None:
    assert set(cast.owner("GET", "/strategies", asked).problem(400)) == set(asked)


def test_pages_together_are_the_list(cast: Cast) -> None:
    made = [cast.make(name=str(number), legs=[STOCK])["id"] for number in range(5)]
    found: list[int] = []
    address: str | None = "/strategies?page_size=2"
    while address:
        page = cast.owner("GET", address)
        found += ids(page)
        address = page.body["next"]
    assert found == made[::-1]


def test_a_list_takes_as_many_queries_for_many_strategies_as_for_few(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        cast.make(name=str(number))
    cast.owner("GET", "/strategies")  # who it is, is known from here on
    with django_assert_max_num_queries(2):
        assert len(ids(cast.owner("GET", "/strategies"))) == 6


def test_a_strategy_with_legs_takes_as_many_queries_for_many_legs_as_for_few(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    made = cast.make(legs=[*STRADDLE, FAR_PUT, STOCK])["id"]
    cast.owner("GET", f"/strategies/{made}")
    with django_assert_max_num_queries(5):
        assert len(cast.owner("GET", f"/strategies/{made}").body["legs"]) == 4


def test_what_is_changed_is_changed_and_the_rest_stays(cast: Cast) -> None:
    made = cast.make(tags=["a"], description="x")
    path = f"/strategies/{made['id']}"
    changed = cast.owner("PATCH", path, {"name": "other", "tags": []}).body
    moved = {"name", "tags", "updated_at"}
    assert (changed["name"], changed["tags"]) == ("other", [])
    assert {key: value for key, value in changed.items() if key not in moved} == {
        key: value for key, value in made.items() if key not in moved
    }
    assert cast.owner("GET", path).body == changed


def test_a_strategy_is_paused_activated_and_closed_by_what_closes_its_legs(cast: Cast) -> None:
    made = cast.make()
    path, (call, put) = f"/strategies/{made['id']}", [leg["id"] for leg in made["legs"]]
    assert cast.owner("PATCH", path, {"status": "paused"}).body["paused_at"]
    assert cast.owner("PATCH", path, {"status": "active"}).body["paused_at"] is None
    refused = cast.owner("PATCH", path, {"status": "closed", "name": "gone"}).problem(400)
    assert set(refused) == {"status"}
    assert cast.owner("GET", path).body["name"] == "straddle"
    exits = [{"leg": leg, "lots": 2, "price": "130", "at": LATER} for leg in (call, put)]
    closed = cast.owner("PATCH", path, {"status": "closed", "exits": exits}).body
    assert (closed["status"], closed["open_legs"]) == ("closed", 0)
    assert [leg["realised"] for leg in closed["legs"]] == ["1365.00", "-1267.50"]
    assert closed["closed_at"]
    assert set(cast.owner("PATCH", path, {"status": "active"}).problem(400)) == {"status"}


@pytest.mark.parametrize("status", [{}, {"status": "paused"}])
def test_exits_without_closing_are_refused(cast: Cast, status: dict[str, str]) -> None:
    made = cast.make()
    exits = {"exits": [{"leg": made["legs"][0]["id"], "lots": 2, "price": "130", "at": LATER}]}
    assert set(cast.owner("PATCH", f"/strategies/{made['id']}", exits | status).problem(400)) == {"exits"}


def test_a_strategy_that_is_removed_is_gone(cast: Cast) -> None:
    path = f"/strategies/{cast.make()['id']}"
    assert cast.owner("DELETE", path).status == 204
    cast.owner("GET", path).problem(404)
    assert models.Leg.objects.count() == 0


# ---------------------------------------------------------------- who may


def test_a_teammate_sees_a_strategy_and_cannot_write_it(cast: Cast) -> None:
    made = cast.make()
    path = f"/strategies/{made['id']}"
    shown = cast.teammate("GET", path)
    assert (shown.status, shown.body) == (200, made | {"may_write": False})
    assert ids(cast.teammate("GET", "/strategies")) == [made["id"]]
    for method, body in (("PATCH", {"name": "mine"}), ("DELETE", None), ("PATCH", {"nonsense": 1})):
        cast.teammate(method, path, body).problem(403)
    new = {"account": cast.account.pk, "name": "x", "legs": STRADDLE}
    cast.teammate("POST", "/strategies", new).problem(403)
    assert cast.owner("GET", path).body == made


def test_a_stranger_cannot_tell_a_strategy_from_one_that_is_not_there(cast: Cast) -> None:
    made = cast.make()
    assert ids(cast.stranger("GET", "/strategies")) == []
    assert ids(cast.stranger("GET", "/strategies", {"account": cast.account.pk})) == []
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        there, nowhere = (cast.stranger(method, f"/strategies/{pk}", body) for pk in (made["id"], made["id"] + 99))
        assert (there.status, there.body) == (nowhere.status, nowhere.body) == (404, there.body)
    new = {"name": "x", "legs": STRADDLE}
    refusals = [cast.stranger("POST", "/strategies", new | {"account": pk}) for pk in (cast.account.pk, 10**9)]
    assert refusals[0].body == refusals[1].body
    assert set(refusals[0].problem(400)) == {"account"}
    assert cast.owner("GET", f"/strategies/{made['id']}").body == made


def test_a_share_that_is_taken_away_hides_the_strategy(cast: Cast) -> None:
    path = f"/strategies/{cast.make()['id']}"
    TradingAccount.objects.get().shares.all().delete()
    cast.teammate("GET", path).problem(404)
    assert ids(cast.teammate("GET", "/strategies")) == []
