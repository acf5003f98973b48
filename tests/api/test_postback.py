"""Postbacks: signed with the account's secret and fresh, or nothing at all."""

import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis
from rest_framework.test import APIClient

from accounts.guessing import GUESSES
from accounts.models import Order, TradingAccount, User
from accounts.order_stream import KEY, MOST_WAITING, OrderReader
from accounts.postbacks import TOLERANCE_S, sign
from accounts.services.follower import Follower, Parts
from accounts.services.trading import create_account, renew_secret
from tests.api.asking import Answer, answer_of
from tests.integration.accounts.made import raw

MOST = int(GUESSES.partition("/")[0])
UPDATE = {name: value for name, value in raw().items() if name != "account"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the run's Redis, which is empty."""
    with redis.Redis.from_url(redis_url) as found:
        yield found


@pytest.fixture
def secret(owner: User, client: redis.Redis) -> str:
    """The secret of account PK."""
    return create_account(owner_id=owner.pk, name="main", broker="paper")[1]


def pk() -> int:
    """Return the account's key."""
    return TradingAccount.objects.get().pk


def post(
    secret: str,
    body: Any = None,
    *,
    at: float = 0.0,
    account: int | None = None,
    address: str = "192.0.2.7",
    **other: Any,
) -> Answer:
    """Tell of an order, signed; `at` is seconds from now."""
    content = body if isinstance(body, bytes) else json.dumps(UPDATE if body is None else body).encode()
    timestamp = str(int(time.time() + at))
    headers = {"HTTP_X_POSTBACK_TIMESTAMP": timestamp, "HTTP_X_POSTBACK_SIGNATURE": sign(secret, timestamp, content)}
    path = f"/accounts/{pk() if account is None else account}/postback"
    options = {"content_type": "application/json", "REMOTE_ADDR": address, **headers, **other}
    answer = APIClient().post(path, content, **options)
    return Answer(204, {}, answer.headers) if answer.status_code == 204 else answer_of(answer)


def follow(client: redis.Redis) -> None:
    """Let the follower take what is there."""
    follower = Follower(Parts(OrderReader(client), client))
    follower.step()
    follower._release()


def test_a_signed_update_goes_the_way_of_all_updates(client: redis.Redis, secret: str) -> None:
    assert post(secret).status == 204
    entries: Any = client.xrange(KEY)
    ((_, fields),) = entries
    assert msgspec.msgpack.decode(fields[b"b"])["account_id"] == pk()
    follow(client)
    assert Order.objects.get().status == "OPEN"


def test_a_replay_changes_nothing(client: redis.Redis, secret: str) -> None:
    later = UPDATE | {"status": "COMPLETE", "ts": UPDATE["ts"] + 1, "filled": 195, "average_price": "171.35"}
    for body in (UPDATE, later, UPDATE, later):
        assert post(secret, body).status == 204
    follow(client)
    before = list(Order.objects.values())
    assert post(secret, UPDATE).status == 204
    follow(client)
    assert list(Order.objects.values()) == before
    assert before[0]["status"] == "COMPLETE"


def test_a_wrong_signature_an_old_one_and_an_account_that_is_not_there_are_refused_alike(
    client: redis.Redis, secret: str
) -> None:
    answers = [
        post("wrong", address="192.0.2.1"), post(secret, account=pk() + 1, address="192.0.2.2"),
        post(secret, at=-TOLERANCE_S - 2, address="192.0.2.3"), post(secret, at=TOLERANCE_S + 2, address="192.0.2.4"),
        post(secret, HTTP_X_POSTBACK_SIGNATURE="é" * 64, address="192.0.2.5"),
        post(secret, HTTP_X_POSTBACK_TIMESTAMP="٣", address="192.0.2.6"),
        post(secret, HTTP_X_POSTBACK_TIMESTAMP="9" * 400),
    ]  # fmt: skip
    TradingAccount.objects.update(is_active=False)
    answers.append(post(secret, address="192.0.2.8"))
    assert {answer.status for answer in answers} == {401}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert client.xlen(KEY) == 0


def test_a_signature_is_of_this_body_and_this_time(client: redis.Redis, secret: str) -> None:
    timestamp = str(int(time.time()))
    of_another = sign(secret, timestamp, json.dumps(UPDATE | {"order_id": "2"}).encode())
    assert post(secret, HTTP_X_POSTBACK_SIGNATURE=of_another).status == 401
    of_before = sign(secret, str(int(timestamp) - 1), json.dumps(UPDATE).encode())
    assert post(secret, HTTP_X_POSTBACK_SIGNATURE=of_before).status == 401


def test_a_new_secret_ends_the_old_one(client: redis.Redis, secret: str) -> None:
    fresh = renew_secret(account=TradingAccount.objects.get())
    assert post(secret).status == 401
    assert post(fresh).status == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""), (b"[]", ""), (b"[" * 100_000, ""), (UPDATE | {"account": "DEMO01"}, "account"),
        (UPDATE | {"account_id": 1}, "account_id"), (UPDATE | {"filled": 196}, "filled"), ({"order_id": "1"}, ""),
        (UPDATE | {"price": "NaN"}, "price"), (UPDATE | {"order_id": "\x00"}, "order_id"),
    ],
)  # fmt: skip
def test_what_is_signed_and_no_update_is_named(client: redis.Redis, secret: str, body: Any, field: str) -> None:
    assert set(post(secret, body).problem(400)) == {field}
    assert client.xlen(KEY) == 0


def test_guessing_stops_an_address_and_signed_updates_are_no_guesses(client: redis.Redis, secret: str) -> None:
    for _ in range(2 * MOST):
        assert post(secret).status == 204
    answers = [post("wrong").status for _ in range(MOST + 2)]
    assert answers == [401] * MOST + [429] * 2
    assert post(secret).status == 429
    assert post(secret, address="192.0.2.99").status == 204


def test_where_nobody_stores_updates_the_sender_is_told_to_come_again_and_none_is_lost(
    client: redis.Redis, secret: str
) -> None:
    assert post(secret).status == 204
    with client.pipeline(transaction=False) as pipe:
        for _ in range(MOST_WAITING - 1):
            pipe.xadd(KEY, {b"b": b"something else"})
        pipe.execute()
    post(secret).problem(503)
    assert client.xlen(KEY) == MOST_WAITING
    follow(client)
    assert Order.objects.count() == 1, "the first one is still there"
    assert post(secret).status == 204


def test_without_redis_the_sender_is_told_to_come_again(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr("accounts.api.postback.hand_over", fail)
    assert post(secret).status == 503
