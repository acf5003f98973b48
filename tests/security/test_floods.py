"""Whoever tries keys, tokens and tickets at random costs us little, and nobody else anything."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from secrets import token_urlsafe
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db.backends.utils import CursorWrapper
from pytest_django.fixtures import Settings

from accounts import api_keys
from accounts.api_keys import keys
from accounts.models import User
from accounts.principal import MARKET
from tests.rig.asgi import asking, settled
from tests.rig.cast import access_token

CLOSED = "/fo/indicators"
LIMIT, FLOOD = 5, 60
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
MOST = 2 * LIMIT  # a minute may end in the middle of a flood
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None, settings: Settings) -> User:
    """Somebody whom the request's own connection sees; everybody may ask LIMIT times a minute."""
    settings.RATE_LIMIT_PER_MINUTE = LIMIT
    return User.objects.create_user("member", password="correct horse battery staple")


@pytest.fixture
def statements(member: User, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the database from now on, whichever thread asks."""
    asked: list[str] = []
    real = CursorWrapper.execute

    def noted(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        asked.append(str(sql))
        return real(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", noted)
    return asked


def random_key() -> str:
    """Return what has a key's form."""
    prefix = "".join(random.choices("abcdefghijklmnopqrstuvwxyz234567", k=8))
    return f"tvk_{prefix}_{token_urlsafe(32)}"


def key_of(user: User) -> str:
    """Return a key of the user's for market data."""
    return api_keys.create(user=user, name="x", scopes=[MARKET], expires_at=None)[1]


async def flood(
    credentials: list[str], *, address: str = HERE, path: str = CLOSED, method: str = "GET"
) -> Counter[int]:
    """Present each credential once; return how often each status came."""
    async with asking(address=address) as client:
        answers = [
            await client.request(method, path, headers={"Authorization": f"Bearer {text}"}) for text in credentials
        ]
    return Counter(answer.status_code for answer in answers)


async def knock(credential: str, *, address: str = HERE) -> int | None:
    """Open a socket with a credential; return the code that it is closed with, None where it stays."""
    from tradingviz.asgi import application

    socket = WebsocketCommunicator(application, f"/ws/fo/stream?token={credential}")
    socket.scope["client"] = (address, 40_000)
    await socket.connect()
    try:
        if await socket.receive_nothing(timeout=0.02):
            return None
        message = await socket.receive_output()
        return int(message["code"]) if message["type"] == "websocket.close" else None
    finally:
        await socket.disconnect()


@pytest.fixture
async def sockets() -> AsyncIterator[None]:
    """Close what sockets leave behind in this loop."""
    yield
    await settled()


async def test_keys_at_random_reach_the_database_no_more_often_than_the_quota_allows(statements: list[str]) -> None:
    statuses = await flood([random_key() for _ in range(FLOOD)])
    assert 0 < len(statements) <= MOST
    assert set(statuses) == {401, 429}
    assert statuses[401] <= MOST


async def test_one_prefix_with_many_secrets_reaches_it_no_more_often_either(
    member: User, statements: list[str]
) -> None:
    known = await _stored(member)
    statements.clear()
    statuses = await flood([known[:13] + token_urlsafe(32) for _ in range(FLOOD)])
    assert len(statements) <= MOST
    assert set(statuses) == {401, 429}


async def test_tokens_at_random_never_reach_the_database(member: User, statements: list[str]) -> None:
    genuine = access_token(member)
    forged = [genuine.rpartition(".")[0] + "." + token_urlsafe(32) for _ in range(FLOOD)]
    assert set(await flood([*forged, *(token_urlsafe(64) for _ in range(FLOOD))])) == {401, 429}
    assert statements == []


@pytest.mark.usefixtures("sockets")
async def test_sockets_with_keys_at_random_reach_it_no_more_often(statements: list[str]) -> None:
    codes = Counter([await knock(random_key()) for _ in range(FLOOD)])
    assert 0 < len(statements) <= MOST
    assert set(codes) == {4401, 4429}
    assert codes[4401] <= MOST


@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/refresh"])
async def test_where_passwords_are_presented_nobody_asks_whose_a_key_is(statements: list[str], path: str) -> None:
    statuses = await flood([random_key() for _ in range(FLOOD)], path=path, method="POST")
    assert set(statuses) == {400, 429}
    assert [sql for sql in statements if "accounts_apikey" in sql] == []


async def test_a_guess_counts_once(member: User) -> None:
    async with asking(token=random_key()) as client:
        left = [int((await client.get(CLOSED)).headers["ratelimit-remaining"]) for _ in range(2)]
    assert left[0] - left[1] in (1, 1 - LIMIT)


async def test_a_genuine_key_that_was_seen_works_from_an_address_whose_guesses_are_used_up(member: User) -> None:
    genuine = await _stored(member)
    assert await flood([genuine]) == {200: 1}
    await flood([random_key() for _ in range(2 * MOST)])
    keys._held = type(keys._held)({prefix: (-1e9, known) for prefix, (_, known) in keys._held.items()})  # time passes
    assert await flood([genuine]) == {200: 1}


async def test_a_flood_of_guesses_hinders_no_other_address(member: User) -> None:
    genuine = await _stored(member)
    await flood([random_key() for _ in range(2 * MOST)])
    assert await flood([genuine], address=ELSEWHERE) == {200: 1}


async def _stored(user: User) -> str:
    from channels.db import database_sync_to_async

    return await database_sync_to_async(key_of)(user)
