"""`/strategies/from-template`: listed strikes, at the chain's marks, on the tick."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AccountShare, TradingAccount, User
from fo_analytics.domain.calendar import from_ms
from strategies import models
from strategies.domain.legs import Side
from strategies.models import Strategy
from strategies.services.templates import Order, create_from_template
from tests.api.asking import Answer
from tests.api.market import FAR, LAST, NEAR, fair_price
from tests.api.strategy_clients import Client
from tests.integration.strategies.listed import account_of
from tradingviz.core.errors import InvalidRequest

pytestmark = pytest.mark.usefixtures("market")
PATH = "/strategies/from-template"
SOLD = {"template": "straddle", "underlying": "NIFTY", "expiry": "NWeek+0", "lots": 2, "side": "SELL"}
CONDOR = {"template": "iron_condor", "place": {"levels": 2}, "wing": 2}
CALENDAR = {"template": "calendar", "kind": "CE", "place": {"levels": 0}, "far_expiry": str(FAR)}
VERTICAL = {"template": "vertical", "kind": "PE", "bought": {"levels": 3}, "sold": {"levels": 1}}
STRANGLE = {"template": "strangle", "side": "BUY", "place": {"levels": 1}}
PLAIN = {"underlying": "NIFTY", "expiry": str(NEAR), "lots": 1}


@pytest.fixture
def account(owner: User) -> TradingAccount:
    """The owner's account."""
    return account_of(owner)


@pytest.fixture
def client(owner: User, api_client_for: Callable[[User], APIClient]) -> Client:
    """The owner's client."""
    return Client(api_client_for(owner))


def contracts(answer: Answer) -> list[tuple[str, str, str, str]]:
    """Return side, kind, strike and expiry of the legs of what was made."""
    assert answer.status == 201, answer.body
    legs = ((leg["side"], leg["instrument"]) for leg in answer.body["legs"])
    return [(side, one["kind"], one["strike"], one["expiry"]) for side, one in legs]


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        (SOLD, [("SELL", "CE", "25000.00", NEAR), ("SELL", "PE", "25000.00", NEAR)]),
        (PLAIN | STRANGLE, [("BUY", "CE", "25100.00", NEAR), ("BUY", "PE", "24900.00", NEAR)]),
        (PLAIN | VERTICAL, [("BUY", "PE", "24700.00", NEAR), ("SELL", "PE", "24900.00", NEAR)]),
        (PLAIN | CALENDAR, [("SELL", "CE", "25000.00", NEAR), ("BUY", "CE", "25000.00", FAR)]),
        (
            PLAIN | CONDOR,
            [
                ("SELL", "CE", "25200.00", NEAR),
                ("SELL", "PE", "24800.00", NEAR),
                ("BUY", "CE", "25400.00", NEAR),
                ("BUY", "PE", "24600.00", NEAR),
            ],
        ),
    ],
)
def test_a_template_is_a_draft_of_the_strikes_that_it_names(
    client: Client, account: TradingAccount, asked: dict[str, Any], made: list[Any]
) -> None:
    answer = client("POST", PATH, asked | {"account": account.pk})
    assert contracts(answer) == [(*leg[:3], str(leg[3])) for leg in made]
    assert (answer.body["status"], answer.body["underlyings"]) == ("draft", ["NIFTY"])
    assert answer.body["name"] == f"{asked['template'].replace('_', ' ')} NIFTY {NEAR}"


def test_legs_are_entered_at_the_marks_of_the_chain_on_the_tick(client: Client, account: TradingAccount) -> None:
    made = client("POST", PATH, SOLD | {"account": account.pk, "name": "mine", "tags": ["a"]}).body
    for leg, kind in zip(made["legs"], ("CE", "PE"), strict=True):
        price = Decimal(leg["average_price"])
        assert price % Decimal("0.05") == 0
        assert abs(float(price) - fair_price((NEAR, kind, 25_000.0), LAST)) <= 0.025 + 1e-4
        assert leg["fills"][0]["at"] == "2026-02-02T10:02:15+05:30"
        assert (leg["open_lots"], leg["lot_size"]) == (2, 65)
    assert (made["name"], made["tags"]) == ("mine", ["a"])


def test_a_strike_is_found_by_the_size_of_its_delta(client: Client, account: TradingAccount) -> None:
    asked = {"account": account.pk, "template": "strangle", "side": "SELL", "place": {"delta": 0.25}}
    call, put = contracts(client("POST", PATH, PLAIN | asked))
    assert float(call[2]) > 25_000 > float(put[2])


def test_a_past_instant_takes_the_prices_of_then_and_may_be_active(client: Client, account: TradingAccount) -> None:
    at = {"at": "2026-02-02T10:01:00+05:30", "activate": True, "account": account.pk}
    made = client("POST", PATH, SOLD | at).body
    assert made["status"] == "active"
    assert {leg["fills"][0]["at"] for leg in made["legs"]} == {at["at"]}
    assert made["outdated_since"] == at["at"]


def test_a_market_that_does_not_move_makes_no_active_strategy(client: Client, account: TradingAccount) -> None:
    refused = client("POST", PATH, SOLD | {"activate": True, "account": account.pk})
    assert "activate" in refused.problem(400)
    assert Strategy.objects.count() == 0


def test_an_open_market_makes_an_active_strategy(account: TradingAccount) -> None:
    order = Order(template="straddle", underlying="NIFTY", expiry="NWeek+0", lots=1, choices={"side": Side.BUY})
    fields: dict[str, Any] = {"description": "", "tags": [], "valuation": "last"}
    late = from_ms(LAST) + timedelta(seconds=61)
    with pytest.raises(InvalidRequest, match="does not tell"):
        create_from_template(account=account, order=order, activate=True, now=late, **fields)
    now = from_ms(LAST) + timedelta(seconds=60)
    made = create_from_template(account=account, order=order, activate=True, now=now, **fields)
    assert Strategy.objects.get(pk=made).status == "active"
    assert set(models.Fill.objects.values_list("at", flat=True)) == {from_ms(LAST)}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"template": "butterfly"}, "template"),
        ({"expiry": "NWeek+9"}, "expiry"),
        ({"underlying": "NOBODY"}, "underlying"),
        ({"side": None}, "side"),
        ({"wing": 2}, "wing"),
        ({"place": {"levels": 9}}, "place"),
        ({"place": {"levels": 1, "delta": 0.2}}, "place.non_field_errors"),
        ({"place": {}}, "place.non_field_errors"),
        ({"place": 3}, "place.non_field_errors"),
        ({"place": {"delta": 1.5}}, "place.delta"),
        ({"lots": 0}, "lots"),
        ({"at": "2099-01-01T10:00:00Z"}, "at"),
        ({"strike": 25_000}, "strike"),
        (CONDOR, "side"),
        (VERTICAL | {"bought": {"levels": 1}}, "side"),
        (CALENDAR, "side"),
    ],
)
def test_what_a_template_cannot_be_made_of_is_named(
    client: Client, account: TradingAccount, change: dict[str, Any], field: str
) -> None:
    problem = client("POST", PATH, SOLD | {"account": account.pk} | change)
    assert field in problem.problem(400), problem.body
    assert Strategy.objects.count() == 0


def test_a_contract_without_a_price_is_not_entered(client: Client, account: TradingAccount) -> None:
    asked = {"account": account.pk, "template": "straddle", "side": "BUY", "place": {"levels": 5}}
    refused = client("POST", PATH, PLAIN | asked).problem(400)  # of 25,500 the put was never seen
    assert "no price" in refused["expiry"]["message"]


def test_a_teammate_may_not_and_a_stranger_knows_of_no_account(
    account: TradingAccount, teammate: User, stranger: User, api_client_for: Callable[[User], APIClient]
) -> None:
    AccountShare.objects.create(account=account, user=teammate)
    Client(api_client_for(teammate))("POST", PATH, SOLD | {"account": account.pk}).problem(403)
    nobody = Client(api_client_for(stranger))
    refusals = [nobody("POST", PATH, SOLD | {"account": pk}).body for pk in (account.pk, 10**9)]
    assert refusals[0] == refusals[1]
    assert refusals[0]["status"] == 400
