"""A trading account over sockets: for its owner and whom it is shared with, for as long as it is; for nobody else."""

import asyncio
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from pytest_django.fixtures import Settings

from accounts.models import AccountShare
from accounts.principal import ACCOUNTS, MARKET
from accounts.services.trading import unshare
from accounts.topics import orders_topic
from streaming.publisher import Publisher
from tests.rig.asgi import settled
from tests.security.people import People
from tests.security.sockets import Knock, ask_socket, opened
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unlimited(settings: Settings) -> None:
    """Sockets are counted, and all let in."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000


@database_sync_to_async
def headers_of(people: People, name: str, *key: str) -> list[tuple[bytes, bytes]]:
    """Return the credentials of somebody: a token, or a key of some scopes."""
    text = people[name].key(*key) if key else people[name].token
    return [(b"authorization", f"Bearer {text}".encode())]


@database_sync_to_async
def shared(people: People) -> int:
    """Return an account of the owner's that the teammate may read, with a live document."""
    account: int = people["owner"].account(people["teammate"]).pk
    Publisher(sync_client()).publish(orders_topic(account), {"orders": {}}, ts_event=1, convention="broker")
    return account


@pytest.mark.parametrize("name", ["owner", "teammate"])
async def test_owner_and_teammate_follow_an_account_on_either_path(people: People, name: str) -> None:
    account, headers = await shared(people), await headers_of(people, name)
    told = await ask_socket(
        Knock(headers=headers), {"op": "subscribe", "id": 1, "channel": "orders", "account": account}
    )
    assert (told.frames[0]["type"], told.frames[0]["topic"]) == ("ack", f"orders:{account}")
    told = await ask_socket(Knock(headers=headers, path=f"/ws/orders/{account}"), {"op": "ping", "id": 2})
    assert told.frames[0] | {"ts_sent": 0} == {
        "type": "ack", "v": 1, "id": None, "op": "subscribe", "ts_sent": 0, "channel": "orders",
        "topic": f"orders:{account}", "echo": {"account": account},
    }  # fmt: skip
    assert told.closed is None


@pytest.mark.parametrize("name", ["stranger", "staff"])
async def test_to_others_an_account_is_as_one_that_does_not_exist(people: People, name: str) -> None:
    account, headers = await shared(people), await headers_of(people, name)
    answers = []
    for asked in (account, account + 1_000):
        request = {"op": "subscribe", "id": 1, "channel": "orders", "account": asked}
        told = await ask_socket(Knock(headers=headers), request)
        path = await ask_socket(Knock(headers=headers, path=f"/ws/orders/{asked}"), {"op": "ping"})
        answers.append(json.dumps([told.frames, path.frames, path.closed]).replace(str(asked), "N"))
        assert (told.error, told.closed, path.error, path.closed) == (
            "invalid_parameter",
            None,
            "invalid_parameter",
            4403,
        )
    assert answers[0] == answers[1]


async def test_a_key_needs_the_scope_also_on_the_path(people: People) -> None:
    account = await shared(people)
    for scope, error in ((ACCOUNTS, None), (MARKET, "forbidden")):
        headers = await headers_of(people, "owner", scope)
        told = await ask_socket(Knock(headers=headers, path=f"/ws/orders/{account}"), {"op": "ping"})
        assert (told.error, told.closed) == (error, 4403 if error else None)


async def test_who_says_later_who_it_is_is_subscribed_then(people: People) -> None:
    account = await shared(people)
    token = await database_sync_to_async(lambda: people["teammate"].token)()
    told = await ask_socket(
        Knock(path=f"/ws/orders/{account}"), {"op": "auth", "id": 1, "token": token}, {"op": "ping"}
    )
    assert [frame.get("op") for frame in told.frames[:2]] == ["auth", "subscribe"]


@pytest.mark.parametrize(
    "account", [0, -1, 2**70, "1", 1.0, True, None, [1], {"$ne": 1}, "1; DROP TABLE accounts_user"]
)
async def test_what_is_no_id_is_refused(people: People, account: Any) -> None:
    told = await ask_socket(
        Knock(headers=await headers_of(people, "owner")), {"op": "subscribe", "channel": "orders", "account": account}
    )
    assert (told.error, told.closed) == ("invalid_parameter", None)


async def test_a_share_that_is_taken_back_ends_the_subscription_within_five_seconds(people: People) -> None:
    account = await shared(people)
    socket = opened(Knock(headers=await headers_of(people, "teammate"), path=f"/ws/orders/{account}"))
    try:
        assert (await socket.connect())[0]
        assert json.loads(await socket.receive_from())["type"] == "ack"
        assert json.loads(await socket.receive_from())["type"] == "snapshot"
        share = await database_sync_to_async(AccountShare.objects.select_related("account").get)(account_id=account)
        assert await database_sync_to_async(unshare)(account=share.account, username="teammate")
        async with asyncio.timeout(5):
            while (frame := json.loads(await socket.receive_from(timeout=5)))["type"] != "error":
                pass
        assert (frame["topic"], frame["code"]) == (f"orders:{account}", "invalid_parameter")
        publisher = await database_sync_to_async(lambda: Publisher(sync_client()))()
        await database_sync_to_async(publisher.publish)(
            orders_topic(account), {"orders": {"1": {}}}, ts_event=2, convention="broker"
        )
        await asyncio.sleep(0.5)
        while not await socket.receive_nothing(timeout=0.1):
            assert json.loads(await socket.receive_from())["type"] == "heartbeat"
    finally:
        await socket.disconnect()
        await settled()
