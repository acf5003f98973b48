"""What is on a trading account over sockets, orders and strategies: for its owner and whom it is shared with, for as
long as it is; for nobody else."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from channels.db import database_sync_to_async
from pytest_django.fixtures import Settings

from accounts.models import AccountShare
from accounts.principal import ACCOUNTS, MARKET, STRATEGIES
from accounts.services.trading import unshare
from accounts.topics import orders_topic
from strategies.models import Strategy
from strategies.topics import m2m_topic
from streaming.publisher import Publisher
from tests.rig.asgi import settled
from tests.security.people import People
from tests.security.sockets import Knock, ask_socket, opened
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Shared:
    """Something of the owner's that the teammate may follow: its channel, what names it there, and where it opens."""

    channel: str
    name: str
    key: int
    account: int
    topic: str
    path: str
    scope: str

    def request(self, key: Any = None) -> dict[str, Any]:
        """Return what subscribes to it, or to another one."""
        return {"op": "subscribe", "id": 1, "channel": self.channel, self.name: self.key if key is None else key}

    def place(self, key: int | None = None) -> str:
        """Return the path that opens with it, or with another one."""
        return self.path.format(self.key if key is None else key)


@pytest.fixture(autouse=True)
def unlimited(settings: Settings) -> None:
    """Sockets are counted, and all let in."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000


@database_sync_to_async
def headers_of(people: People, name: str, *key: str) -> list[tuple[bytes, bytes]]:
    """Return the credentials of somebody: a token, or a key of some scopes."""
    text = people[name].key(*key) if key else people[name].token
    return [(b"authorization", f"Bearer {text}".encode())]


@pytest.fixture(params=["orders", "m2m"])
async def shared(people: People, request: pytest.FixtureRequest) -> Shared:
    """An account, or a strategy on one, with a live document; committed, as the server's threads see it."""
    return await database_sync_to_async(_made)(people, request.param)


def _made(people: People, channel: str) -> Shared:
    owner, teammate = people["owner"], people["teammate"]
    if channel == "orders":
        account = owner.account(teammate).pk
        found = Shared(channel, "account", account, account, orders_topic(account), "/ws/orders/{}", ACCOUNTS)
    else:
        key = int(owner.strategy(teammate)["pk"])
        account = Strategy.objects.get(pk=key).account_id
        found = Shared(channel, "strategy", key, account, m2m_topic(key), "/ws/strategies/{}/m2m", STRATEGIES)
    Publisher(sync_client()).publish(found.topic, {"value": "1.00"}, ts_event=1, convention="exact")
    return found


@pytest.mark.parametrize("name", ["owner", "teammate"])
async def test_owner_and_teammate_follow_it_on_either_path(people: People, shared: Shared, name: str) -> None:
    headers = await headers_of(people, name)
    told = await ask_socket(Knock(headers=headers), shared.request())
    assert (told.frames[0]["type"], told.frames[0]["topic"]) == ("ack", shared.topic)
    told = await ask_socket(Knock(headers=headers, path=shared.place()), {"op": "ping", "id": 2})
    assert told.frames[0] | {"ts_sent": 0} == {
        "type": "ack", "v": 1, "id": None, "op": "subscribe", "ts_sent": 0, "channel": shared.channel,
        "topic": shared.topic, "echo": {shared.name: shared.key},
    }  # fmt: skip
    assert told.closed is None


@pytest.mark.parametrize("name", ["stranger", "staff"])
async def test_to_others_it_is_as_one_that_does_not_exist(people: People, shared: Shared, name: str) -> None:
    headers = await headers_of(people, name)
    answers = []
    for asked in (shared.key, shared.key + 1_000):
        told = await ask_socket(Knock(headers=headers), shared.request(asked))
        path = await ask_socket(Knock(headers=headers, path=shared.place(asked)), {"op": "ping"})
        messages = [frame.pop("message").replace(str(asked), "N") for frame in (*told.frames, *path.frames)]
        answers.append((messages, [{**frame, "ts_sent": 0} for frame in (*told.frames, *path.frames)]))
        assert (told.error, told.closed) == ("invalid_parameter", None)
        assert (path.error, path.closed) == ("invalid_parameter", 4403)
    assert answers[0] == answers[1]


async def test_a_key_needs_the_scope_also_on_the_path(people: People, shared: Shared) -> None:
    for scope, error in ((shared.scope, None), (MARKET, "forbidden")):
        headers = await headers_of(people, "owner", scope)
        told = await ask_socket(Knock(headers=headers, path=shared.place()), {"op": "ping"})
        assert (told.error, told.closed) == (error, 4403 if error else None)


async def test_who_says_later_who_it_is_is_subscribed_then(people: People, shared: Shared) -> None:
    token = await database_sync_to_async(lambda: people["teammate"].token)()
    told = await ask_socket(Knock(path=shared.place()), {"op": "auth", "id": 1, "token": token}, {"op": "ping"})
    assert [frame.get("op") for frame in told.frames[:2]] == ["auth", "subscribe"]


@pytest.mark.parametrize("key", [0, -1, 2**70, "1", 1.0, True, [1], {"$ne": 1}, "1; DROP TABLE accounts_user"])
async def test_what_is_no_id_is_refused(people: People, shared: Shared, key: Any) -> None:
    told = await ask_socket(Knock(headers=await headers_of(people, "owner")), shared.request(key))
    assert (told.error, told.closed) == ("invalid_parameter", None)


async def test_a_share_that_is_taken_back_ends_the_subscription_within_five_seconds(
    people: People, shared: Shared
) -> None:
    socket = opened(Knock(headers=await headers_of(people, "teammate"), path=shared.place()))
    try:
        assert (await socket.connect())[0]
        assert json.loads(await socket.receive_from())["type"] == "ack"
        assert json.loads(await socket.receive_from())["type"] == "snapshot"
        share = await database_sync_to_async(AccountShare.objects.select_related("account").get)(
            account_id=shared.account
        )
        assert await database_sync_to_async(unshare)(account=share.account, username="teammate")
        async with asyncio.timeout(5):
            while (frame := json.loads(await socket.receive_from(timeout=5)))["type"] != "error":
                pass
        assert (frame["topic"], frame["code"]) == (shared.topic, "invalid_parameter")
        publisher = await database_sync_to_async(lambda: Publisher(sync_client()))()
        await database_sync_to_async(publisher.publish)(shared.topic, {"value": "2.00"}, ts_event=2, convention="exact")
        await asyncio.sleep(0.5)
        while not await socket.receive_nothing(timeout=0.1):
            assert json.loads(await socket.receive_from())["type"] == "heartbeat"
    finally:
        await socket.disconnect()
        await settled()
