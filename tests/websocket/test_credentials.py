"""The application as it is deployed: real users, real tokens, the socket's door."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from pytest_django.fixtures import Settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from accounts.models import User
from streaming.origin import BrowserOrigins
from tests.rig.asgi import asking
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


async def test_where_nobody_can_say_who_it_is_the_socket_closes_with_4503(server: str) -> None:
    async with client_of(server, token="nobody-can-say") as client:
        assert await client.closed_with() == 4503


async def test_one_socket_too_many_closes_with_4429(server: str) -> None:
    async with client_of(server, token="crowded") as client:
        assert await client.closed_with() == 4429


async def test_a_token_opens_the_socket_without_an_origin_as_programs_send_none(deployed: str, token: str) -> None:
    async with client_of(deployed, token=token) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"


@pytest.mark.django_db(transaction=True)
async def test_without_a_valid_token_the_socket_closes_with_4401(deployed: str) -> None:
    async with client_of(deployed, token="nonsense") as client:
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


@pytest.mark.parametrize(
    ("origin", "comes_in"),
    [
        ("https://charts.example", True),
        ("http://charts.example", False),
        ("https://charts.example:8443", False),
        ("https://a.charts.example", False),
    ],
)
def test_a_page_of_an_origin_that_may_read_answers_comes_in(origin: str, comes_in: bool, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://charts.example"]
    assert BrowserOrigins(None).valid_origin(urlsplit(origin)) is comes_in


async def test_where_there_is_no_socket_the_handshake_is_refused(deployed: str, token: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"{deployed}/ws/nowhere?token={token}"):
            raise AssertionError("the socket opened")
    assert caught.value.response.status_code == 403


async def test_a_page_of_our_own_comes_in(deployed: str, token: str) -> None:
    async with client_of(deployed, token=token, origin=Origin("http://localhost:8081")) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"


async def test_a_token_may_come_as_a_header_or_as_a_subprotocol(deployed: str, token: str) -> None:
    async with client_of(deployed, query="", additional_headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"
    chosen = Subprotocol(f"bearer.{token}")
    async with client_of(deployed, query="", subprotocols=[chosen]) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"


async def test_a_ticket_opens_one_socket(deployed: str, token: str) -> None:
    async with asking(token=token) as rest:
        ticket = (await rest.post("/auth/ws-ticket")).json()["ticket"]
    async with client_of(deployed, query=f"?ticket={ticket}") as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"
    async with client_of(deployed, query=f"?ticket={ticket}") as client:
        assert await client.closed_with() == 4401


async def test_a_ticket_of_somebody_who_may_no_longer_sign_in_opens_nothing(
    deployed: str, member: User, token: str
) -> None:
    async with asking(token=token) as rest:
        ticket = (await rest.post("/auth/ws-ticket")).json()["ticket"]
    member.is_active = False
    await member.asave()
    async with client_of(deployed, query=f"?ticket={ticket}") as client:
        assert await client.closed_with() == 4401


async def test_an_open_socket_of_somebody_deactivated_closes_within_five_seconds(
    deployed: str, member: User, token: str
) -> None:
    async with client_of(deployed, token=token) as client:
        assert (await client.ask(op="ping", id=1))["type"] == "ack"
        await User.objects.filter(pk=member.pk).aupdate(is_active=False)  # as another process would
        async with asyncio.timeout(5):
            assert await client.closed_with() == 4401


async def test_more_sockets_a_minute_than_allowed_close_with_4429(
    deployed: str, token: str, settings: Settings
) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 2
    codes = []
    for _ in range(6):
        async with client_of(deployed, token=token) as client:
            codes.append(await client.code_within(0.3))
    assert 4429 in codes
