"""`/strategies/from-positions`: a leg of each net position."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.models import Position
from accounts.principal import ACCOUNTS, MARKET, STRATEGIES
from accounts.times import day_of
from fo_analytics.models import Instrument, Underlying
from strategies.models import Strategy
from tests.api.strategy_clients import Cast, Client
from tests.api.strategy_clients import cast as cast
from tests.integration.strategies.listed import STOCK_LOT
from tradingviz.core import cache

PATH = "/strategies/from-positions"
TOKENS = (901, 902)


@pytest.fixture(autouse=True)
def held(cast: Cast) -> None:
    """Two futures of a month that is not over, one bought and one sold."""
    stock = Underlying.objects.get(symbol="ABCD")
    today = day_of(timezone.now())
    for place, token in enumerate(TOKENS):
        expiry = today + timedelta(days=30 + place)
        name = f"ABCD{token}FUT"
        Instrument.objects.create(
            underlying=stock, kind="FUT", token=token, tradingsymbol=name, expiry=expiry, lot_size=STOCK_LOT
        )
        side = {("bought", "sold")[place]: 2 * STOCK_LOT, ("bought_value", "sold_value")[place]: 2 * STOCK_LOT * 100}
        Position.objects.create(
            account=cast.account, date=today, token=token, product="NRML", exchange="NFO", tradingsymbol=name, **side
        )
    cache.forget_all()


def test_every_net_position_becomes_a_leg_at_its_average_price(cast: Cast) -> None:
    answer = cast.owner("POST", PATH, {"account": cast.account.pk, "name": "held", "activate": True})
    assert (answer.status, answer.body["status"]) == (201, "active")
    legs = [
        (leg["instrument"]["token"], leg["side"], leg["open_lots"], leg["average_price"]) for leg in answer.body["legs"]
    ]
    assert legs == [(TOKENS[0], "BUY", 2, "100.00"), (TOKENS[1], "SELL", 2, "100.00")]


def test_tokens_choose_and_a_draft_is_made(cast: Cast) -> None:
    answer = cast.owner("POST", PATH, {"account": cast.account.pk, "name": "held", "tokens": [TOKENS[1]]})
    assert (answer.body["status"], answer.body["leg_count"]) == ("draft", 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tokens": [7]}, "tokens"),
        ({"tokens": []}, "tokens"),
        ({"tokens": ["901"]}, "tokens.0"),
        ({"name": ""}, "name"),
        ({"account": 10**9}, "account"),
        ({"legs": []}, "legs"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(cast: Cast, change: dict[str, Any], field: str) -> None:
    body = {"account": cast.account.pk, "name": "held"} | change
    assert field in cast.owner("POST", PATH, body).problem(400)
    assert Strategy.objects.count() == 0


def test_a_teammate_may_not_and_a_stranger_knows_of_no_account(cast: Cast) -> None:
    cast.teammate("POST", PATH, {"account": cast.account.pk, "name": "held"}).problem(403)
    refusals = [cast.stranger("POST", PATH, {"account": pk, "name": "held"}) for pk in (cast.account.pk, 10**9)]
    assert refusals[0].body == refusals[1].body
    assert set(refusals[0].problem(400)) == {"account"}


@pytest.mark.parametrize(
    ("scopes", "status"), [([STRATEGIES], 403), ([ACCOUNTS], 403), ([MARKET], 403), ([STRATEGIES, ACCOUNTS], 201)]
)
def test_a_key_that_may_not_read_positions_cannot_read_them_as_legs(cast: Cast, scopes: list[str], status: int) -> None:
    _, key = api_keys.create(user=cast.account.owner, name="x", scopes=scopes, expires_at=None)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    answer = Client(client)("POST", PATH, {"account": cast.account.pk, "name": "held"})
    assert answer.status == status
