"""What a strategy is worth, over sockets: for who may read its account, for as long as they may; for nobody else."""

import asyncio
import json

import pytest
from channels.db import database_sync_to_async
from pytest_django.fixtures import Settings

from accounts.models import AccountShare
from accounts.services.trading import unshare
from tests.rig.asgi import settled
from tests.security.people import People
from tests.security.sockets import Knock, ask_socket, opened

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unlimited(settings: Settings) -> None:
    """Sockets are counted, and all let in."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000


@database_sync_to_async
def headers_of(people: People, name: str) -> list[tuple[bytes, bytes]]:
    """Return the credentials of somebody."""
    return [(b"authorization", f"Bearer {people[name].token}".encode())]


@database_sync_to_async
def shared(people: People) -> int:
    """Return a strategy of the owner's that the teammate may read."""
    return int(people["owner"].strategy(people["teammate"])["pk"])


@pytest.mark.parametrize("name", ["stranger", "staff"])
async def test_to_others_a_strategy_is_as_one_that_does_not_exist_and_not_worth_coming_again(
    people: People, name: str
) -> None:
    strategy, headers = await shared(people), await headers_of(people, name)
    answers = []
    for asked in (strategy, strategy + 1_000):
        told = await ask_socket(Knock(headers=headers), {"op": "subscribe", "channel": "m2m", "strategy": asked})
        path = await ask_socket(Knock(headers=headers, path=f"/ws/strategies/{asked}/m2m"), {"op": "ping"})
        answers.append(json.dumps([told.frames, path.frames, path.closed]).replace(f"strategy {asked} ", "strategy N "))
        assert (told.error, told.closed) == ("invalid_parameter", None)
        assert (path.error, path.closed) == ("invalid_parameter", 4403)
    assert answers[0] == answers[1]


async def test_who_begins_to_watch_sees_the_value_at_once_and_no_more_once_the_share_is_taken_back(
    people: People,
) -> None:
    strategy = await shared(people)
    socket = opened(Knock(headers=await headers_of(people, "teammate"), path=f"/ws/strategies/{strategy}/m2m"))
    try:
        assert (await socket.connect())[0]
        assert json.loads(await socket.receive_from())["type"] == "ack"
        snapshot = json.loads(await socket.receive_from())
        assert (snapshot["type"], snapshot["data"]["strategy"]) == ("snapshot", strategy)
        shares = AccountShare.objects.select_related("account").filter(account__strategies=strategy)
        share = await database_sync_to_async(shares.get)()
        assert await database_sync_to_async(unshare)(account=share.account, username="teammate")
        async with asyncio.timeout(5):
            while (frame := json.loads(await socket.receive_from(timeout=5)))["type"] != "error":
                pass
        assert (frame["topic"], frame["code"]) == (f"m2m:{strategy}", "invalid_parameter")
    finally:
        await socket.disconnect()
        await settled()
