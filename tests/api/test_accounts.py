"""Trading accounts over REST: the owner writes, a teammate reads, a stranger finds nothing."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.encryption import decrypt
from accounts.models import AccountSnapshot, TradingAccount, User
from accounts.services.orders import store_updates
from accounts.times import day_of, from_ms, midnight
from accounts.valuation import Quote
from tests.api.asking import Answer, answer_of
from tests.integration.accounts.made import START, TOKEN, addressed, demo_account, filled, raw
from tradingviz.core.clock import now_ms

FIELDS = {
    "id", "name", "broker", "client_code", "owner", "is_yours", "is_active", "has_credentials", "created_at",
}  # fmt: skip
FUNDS = {"cash": "250000.00", "collateral": "0.00", "used_margin": "-100.50", "available": "1.10"}
HOLDING = {"exchange": "NSE", "tradingsymbol": "INFY", "token": None, "quantity": 10, "average_price": "1500.05"}
Client = APIClient


@pytest.fixture(autouse=True)
def nothing_stored_elsewhere(redis_url: str) -> None:
    """Redis is empty."""


@pytest.fixture
def client(owner: User, api_client_for: Callable[[User], APIClient]) -> Client:
    """The owner's client."""
    return api_client_for(owner)


@pytest.fixture
def account(owner: User, teammate: User) -> TradingAccount:
    """An account of the owner's that the teammate may read."""
    found = demo_account(owner)
    found.shares.create(user=teammate)
    return found


@pytest.fixture
def mates(teammate: User, api_client_for: Callable[[User], APIClient]) -> Client:
    """The teammate's client."""
    return api_client_for(teammate)


def ask(client: Client, method: str, path: str, body: Any = None, **query: Any) -> Answer:
    """Ask for something."""
    options = {"data": query} if method == "get" else {"data": body, "format": "json"}
    return answer_of(getattr(client, method)(path, **options))


def place(account: TradingAccount, name: str = "") -> str:
    """Return the path of an account, or of something in it."""
    return f"/accounts/{account.pk}" + (f"/{name}" if name else "")


# ---------------------------------------------------------------- accounts


def test_an_account_is_made_and_its_secrets_are_shown_once_or_never(client: Client) -> None:
    body = {"name": "main", "broker": "zerodha", "credentials": {"api_key": "k-123", "api_secret": "s-456"}}
    answer = ask(client, "post", "/accounts", body)
    assert (answer.status, set(answer.body)) == (201, FIELDS | {"postback_secret"})
    assert answer.headers["Cache-Control"] == "no-store"
    stored = TradingAccount.objects.get()
    assert decrypt(stored.postback_secret) == answer.body["postback_secret"]
    assert "s-456" not in stored.credentials
    assert "s-456" in decrypt(stored.credentials)
    shown = ask(client, "get", f"/accounts/{stored.pk}")
    assert (set(shown.body), shown.body["has_credentials"]) == (FIELDS, True)
    assert "s-456" not in str(shown.body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"broker": "x"}, "name"), ({"name": "a", "broker": "x", "feed_code": "DEMO01"}, "feed_code"),
        ({"name": 7, "broker": "x"}, "name"), ({"name": "a", "broker": "x", "owner": 1}, "owner"),
        ({"name": "a", "broker": "x", "credentials": {"k": 1}}, "credentials.k"),
        ({"name": "demo", "broker": "x"}, "name"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_new_account_is_named(
    client: Client, account: TradingAccount, body: dict[str, Any], field: str
) -> None:
    assert field in ask(client, "post", "/accounts", body).problem(400)
    assert TradingAccount.objects.count() == 1


def test_one_lists_what_one_owns_and_what_is_shared_in_pages(
    client: Client, mates: Client, account: TradingAccount, teammate: User
) -> None:
    own = demo_account(teammate, name="own", code=None)
    listed = ask(mates, "get", "/accounts").body["results"]
    assert [(one["id"], one["owner"], one["is_yours"]) for one in listed] == [
        (account.pk, "owner", False), (own.pk, "teammate", True),
    ]  # fmt: skip
    first = ask(mates, "get", "/accounts", page_size=1)
    assert [one["id"] for one in first.body["results"]] == [account.pk]
    second = answer_of(mates.get(first.body["next"]))
    assert ([one["id"] for one in second.body["results"]], second.body["next"]) == ([own.pk], None)
    assert [one["id"] for one in ask(client, "get", "/accounts").body["results"]] == [account.pk]


@pytest.mark.parametrize(
    "query", [{"page_size": "0"}, {"page_size": "201"}, {"page_size": "x"}, {"cursor": "x"}, {"cursor": "cD14"}]
)
def test_a_page_that_nobody_offered_is_refused(client: Client, account: TradingAccount, query: dict[str, str]) -> None:
    assert set(query) == set(ask(client, "get", "/accounts", **query).problem(400))


def test_listing_takes_the_same_queries_for_one_account_and_for_many(client: Client, owner: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert ask(client, "get", "/accounts").status == 200
        return len(asked)

    demo_account(owner)
    ask(client, "get", "/accounts")  # the standing of the user is remembered from here on
    few = count()
    for number in range(20):
        demo_account(owner, name=str(number), code=None)
    assert count() == few


def test_the_owner_changes_and_deletes(client: Client, account: TradingAccount) -> None:
    AccountSnapshot.objects.create(
        account=account, time=from_ms(START), realised=1, open_positions=0, unpriced=0, orders=0, holdings_cost=0,
        taken_at=from_ms(START),
    )  # fmt: skip
    answer = ask(client, "patch", place(account), {"name": "renamed", "is_active": False})
    assert (answer.status, answer.body["name"], answer.body["is_active"]) == (200, "renamed", False)
    assert "pay" in ask(client, "patch", place(account), {"pay": 1}).problem(400)
    assert client.delete(place(account)).status_code == 204
    assert not AccountSnapshot.objects.exists()
    assert ask(client, "get", place(account)).status == 404


def test_a_teammate_reads_and_does_not_write_and_a_stranger_cannot_tell_it_from_nothing(
    mates: Client, account: TradingAccount, stranger: User, api_client_for: Callable[[User], APIClient]
) -> None:
    strangers, elsewhere = api_client_for(stranger), f"/accounts/{account.pk + 1_000}"
    for name in ("", "orders", "positions", "holdings", "funds", "snapshots"):
        assert ask(mates, "get", place(account, name)).status == 200
        assert (
            ask(strangers, "get", place(account, name)).body
            == ask(strangers, "get", f"{elsewhere}/{name}".rstrip("/")).body
        )
    writes = [("patch", ""), ("delete", ""), ("put", "positions"), ("put", "holdings"), ("put", "funds")]
    for method, name in [*writes, ("get", "shares"), ("post", "shares"), ("post", "postback-secret")]:
        assert ask(mates, method, place(account, name), {}).status == 403
        assert ask(strangers, method, place(account, name), {}).status == 404


# ---------------------------------------------------------------- what is in them


def test_orders_come_newest_first_in_pages_by_day_and_status(client: Client, account: TradingAccount) -> None:
    updates = [raw(f"{number:02}", ts=START + number) for number in range(12)]
    store_updates(updates=addressed(*updates, filled("99", 65, 171.4, ts=START + 86_400_000)), now_ms=START + 10**8)
    found, path = [], place(account, "orders") + "?page_size=5"
    while path:
        page = answer_of(client.get(path))
        found += page.body["results"]
        path = page.body["next"]
    assert [one["order_id"] for one in found] == ["99", *(f"{number:02}" for number in reversed(range(12)))]
    assert found[0] == {
        "order_id": "99", "token": TOKEN, "exchange": "NFO", "tradingsymbol": "NIFTY26NOV2426000CE", "side": "BUY",
        "order_type": "LIMIT", "product": "NRML", "quantity": 65, "price": "171.40", "filled": 65,
        "average_price": "171.40", "status": "COMPLETE", "reason": None,
        "updated_at": "2026-11-23T22:25:13.250000+05:30", "filled_at": "2026-11-23T22:25:13.250000+05:30",
    }  # fmt: skip
    day = ask(client, "get", place(account, "orders"), date="2026-11-23")
    assert [one["order_id"] for one in day.body["results"]] == ["99"]
    assert len(ask(client, "get", place(account, "orders"), status="OPEN").body["results"]) == 12
    for wrong in ({"date": "yesterday"}, {"status": "DONE"}, {"cursor": "cD1ub3RhZGF0ZQ=="}):
        assert set(wrong) == set(ask(client, "get", place(account, "orders"), **wrong).problem(400))


def test_positions_tell_net_and_day_apart_with_what_they_are_worth(
    client: Client, account: TradingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = now_ms()
    monkeypatch.setattr(
        "fo_analytics.selectors.prices.StoredMarket.quotes", lambda *_: {TOKEN: Quote(Decimal("100.15"), now)}
    )
    contract = {"exchange": "NFO", "tradingsymbol": "NIFTY26NOV2426000CE", "product": "NRML"}
    told = {**contract, "token": TOKEN, "quantity": -130, "average_price": "100.05"}
    store_updates(updates=addressed(filled("1", 65, 90.1234, ts=now)), now_ms=now)
    answer = ask(client, "put", place(account, "positions"), {"positions": [told]})
    assert answer.status == 200
    (net,), (day,) = answer.body["net"], answer.body["day"]
    assert net == {
        **contract, "token": TOKEN, "quantity": -65, "average_price": "100.05", "bought": 65, "bought_value": "5858.02",
        "sold": 0, "sold_value": "0.00", "realised": "645.23", "unrealised": "-6.50", "last_price": "100.15",
        "last_price_ts": now,
    }  # fmt: skip
    assert (day["quantity"], day["average_price"], day["realised"]) == (65, "90.1234", "0.00")
    assert answer.body == ask(client, "get", place(account, "positions")).body
    assert answer.body["date"] == str(day_of(from_ms(now)))
    twice = ask(client, "put", place(account, "positions"), {"positions": [told, told]})
    assert "positions" in twice.problem(400)
    wrong = ask(client, "put", place(account, "positions"), {"positions": [told | {"quantity": 1.5, "x": 1}]})
    assert {re.sub(r"\d", "n", name) for name in wrong.problem(400)} == {"positions.n.x"}


def test_without_a_price_nothing_is_said_of_what_a_position_is_worth(client: Client, account: TradingAccount) -> None:
    store_updates(updates=addressed(filled("1", 65, 90.0, ts=now_ms())), now_ms=now_ms())
    (net,) = ask(client, "get", place(account, "positions")).body["net"]
    assert (net["unrealised"], net["last_price"], net["last_price_ts"]) == (None, None, None)


def test_holdings_and_funds_are_what_the_broker_told_last(client: Client, account: TradingAccount) -> None:
    assert ask(client, "get", place(account, "funds")).body == dict.fromkeys((*FUNDS, "as_of"))
    funds = ask(client, "put", place(account, "funds"), FUNDS)
    assert {name: funds.body[name] for name in FUNDS} == FUNDS
    assert ask(client, "get", place(account, "funds")).body == funds.body
    assert set(ask(client, "put", place(account, "funds"), FUNDS | {"cash": "1.005"}).problem(400)) == {"cash"}
    for told in ([HOLDING, HOLDING | {"tradingsymbol": "TCS"}], [HOLDING | {"quantity": 11}]):
        assert ask(client, "put", place(account, "holdings"), {"holdings": told}).body == {"holdings": told}
    assert ask(client, "get", place(account, "holdings")).body["holdings"][0]["quantity"] == 11
    assert "holdings" in ask(client, "put", place(account, "holdings"), {"holdings": [HOLDING, HOLDING]}).problem(400)


def test_snapshots_come_latest_first(client: Client, account: TradingAccount) -> None:
    for number in range(3):
        AccountSnapshot.objects.create(
            account=account, time=midnight(day_of(from_ms(START + number * 86_400_000))), realised="1.5",
            unrealised=None, open_positions=1, unpriced=1, orders=2, holdings_cost=0, taken_at=from_ms(START),
        )  # fmt: skip
    found = ask(client, "get", place(account, "snapshots")).body["results"]
    assert [one["date"] for one in found] == ["2026-11-24", "2026-11-23", "2026-11-22"]
    assert (found[0]["realised"], found[0]["unrealised"], found[0]["cash"]) == ("1.50", None, None)


# ---------------------------------------------------------------- shares


def test_the_owner_shares_and_takes_back(
    client: Client, account: TradingAccount, stranger: User, api_client_for: Callable[[User], APIClient]
) -> None:
    theirs = api_client_for(stranger)
    for _ in range(2):
        assert ask(client, "post", place(account, "shares"), {"username": "stranger"}).body["username"] == "stranger"
    assert [one["username"] for one in ask(client, "get", place(account, "shares")).body["shares"]] == [
        "stranger", "teammate",
    ]  # fmt: skip
    assert ask(theirs, "get", place(account)).body["is_yours"] is False
    assert client.delete(place(account, "shares/stranger")).status_code == 204
    assert client.delete(place(account, "shares/stranger")).status_code == 404
    assert ask(theirs, "get", place(account)).status == 404
    for nobody in ("nobody", "owner", ""):
        assert "username" in ask(client, "post", place(account, "shares"), {"username": nobody}).problem(400)
