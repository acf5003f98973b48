"""The application as it is deployed: real users, real tokens, the socket's door."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from accounts.models import User
from accounts.tokens import Principal
from streaming.authentication import Unavailable
from streaming.consumers import FOStreamConsumer
from tests.rig.cast import access_token
from tests.websocket.client import client_of
from tests.websocket.server import serve


@pytest.fixture
def member(transactional_db: None) -> User:
    """Somebody whom the server's own connections see."""
    return User.objects.create_user("member", password="correct horse battery staple")


@pytest.fixture
def token(member: User) -> str:
    """A fresh token of the member."""
    return access_token(member)


@pytest.fixture
async def deployed(redis_url: str) -> AsyncIterator[str]:
    """Base URL of tradingviz.asgi."""
    from tradingviz.asgi import application

    async with serve(application) as url:
        yield url


async def test_where_nobody_can_say_who_it_is_the_socket_closes_with_4503(redis_url: str) -> None:
    async def ask(scope: dict[str, Any]) -> Principal | None:
        raise Unavailable

    async with serve(FOStreamConsumer.as_asgi(authenticate=ask)) as url, client_of(url) as client:
        assert await client.closed_with() == 4503


async def test_a_token_opens_the_socket_without_an_origin_as_programs_send_none(deployed: str, token: str) -> None:
    async with client_of(deployed, token=token) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"


@pytest.mark.parametrize("token", ["", "nonsense"])
@pytest.mark.django_db(transaction=True)
async def test_without_a_valid_token_the_socket_closes_with_4401(deployed: str, token: str) -> None:
    async with client_of(deployed, token=token) as client:
        assert await client.closed_with() == 4401


async def test_a_token_of_somebody_who_may_no_longer_sign_in_closes_with_4401(
    deployed: str, member: User, token: str
) -> None:
    member.is_active = False
    await member.asave()
    async with client_of(deployed, token=token) as client:
        assert await client.closed_with() == 4401


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "https://testserver.elsewhere.example"])
@pytest.mark.django_db(transaction=True)
async def test_a_page_of_another_site_is_turned_away_before_anything_else(deployed: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with client_of(deployed, token="", origin=Origin(origin)):
            raise AssertionError("the socket opened")
    assert caught.value.response.status_code == 403


async def test_a_page_of_our_own_comes_in(deployed: str, token: str) -> None:
    async with client_of(deployed, token=token, origin=Origin("http://localhost:8081")) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"
