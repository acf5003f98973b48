"""How many sockets somebody may have open at once, however slowly they are opened."""

from collections.abc import AsyncIterator

import pytest
from channels.testing import WebsocketCommunicator
from pytest_django.fixtures import Settings

from accounts.gate.rules import UNNAMED_SOCKETS
from accounts.models import User
from tests.rig.asgi import settled
from tests.rig.cast import access_token
from tradingviz.core.redis import sync_client

MOST, TOO_MANY = 3, 4429
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def sockets(transactional_db: None, settings: Settings) -> AsyncIterator[list[WebsocketCommunicator]]:
    """Sockets that are open, closed at the end; MOST a minute may be opened."""
    settings.RATE_LIMIT_PER_MINUTE = MOST
    found: list[WebsocketCommunicator] = []
    yield found
    for socket in found:
        await socket.disconnect()
    await settled()


async def code_of(sockets: list[WebsocketCommunicator], token: str, *, address: str = "192.0.2.1") -> int | None:
    """Open one more socket, in a minute of its own; return the code that it is closed with, None where it stays."""
    from tradingviz.asgi import application

    sync_client().flushall()
    socket = WebsocketCommunicator(application, f"/ws/fo/stream{f'?token={token}' if token else ''}")
    socket.scope["client"] = (address, 40_000)
    await socket.connect()
    if await socket.receive_nothing(timeout=0.02):
        sockets.append(socket)
        return None
    message = await socket.receive_output()
    await socket.disconnect()
    return int(message["code"]) if message["type"] == "websocket.close" else None


@pytest.mark.usefixtures("redis_url")
async def test_a_user_has_as_many_sockets_as_may_be_opened_in_a_minute_wherever_they_come_from(
    owner: User, stranger: User, sockets: list[WebsocketCommunicator]
) -> None:
    token = access_token(owner)
    codes = [await code_of(sockets, token, address=f"192.0.2.{n}") for n in range(MOST + 2)]
    assert codes == [None] * MOST + [TOO_MANY] * 2
    assert await code_of(sockets, access_token(stranger)) is None
    await sockets.pop(0).disconnect()
    assert await code_of(sockets, token) is None


@pytest.mark.usefixtures("redis_url")
async def test_an_address_has_more_of_those_that_say_later_who_they_are_and_not_any_number(
    sockets: list[WebsocketCommunicator],
) -> None:
    codes = [await code_of(sockets, "") for _ in range(MOST * UNNAMED_SOCKETS + 1)]
    assert codes == [None] * MOST * UNNAMED_SOCKETS + [TOO_MANY]
