"""Credentials that were good once, or almost: presented to the application as it is deployed, over HTTP and sockets."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import services
from accounts.models import ApiKey, User
from accounts.principal import ACCOUNTS, MARKET, STRATEGIES
from accounts.tokens import RefreshToken
from tests.rig.asgi import asking
from tests.security.people import People, Person
from tests.security.sockets import Knock, Told, ask_socket
from tests.security.test_access import FORGERIES, genuine

CLOSED = "/fo/indicators"
PING = {"op": "ping", "id": 1}
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
    pytest.mark.usefixtures("unlimited"),
]


@pytest.fixture
def unlimited(settings: Settings) -> None:
    """Whoever tries may go on trying."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000


def ways(text: str) -> dict[str, Knock]:
    """Return every way to come to a socket with a credential."""
    return {
        "query": Knock(query=f"?token={text}"),
        "header": Knock(headers=[(b"authorization", f"Bearer {text}".encode())]),
        "subprotocol": Knock(subprotocols=[f"bearer.{text}"]),
    }


async def rest(text: str) -> int:
    """Return the status of a question."""
    async with asking(token=text) as client:
        return (await client.get(CLOSED)).status_code


async def comes_in(text: str) -> set[object]:
    """Return what became of a credential everywhere: 200 or 401 over HTTP, None or the code of a socket's end."""
    found: set[object] = {await rest(text)}
    for knock in ways(text).values():
        found.add((await ask_socket(knock, PING)).closed)
    presented: Told = await ask_socket(Knock(), {"op": "auth", "id": 1, "token": text})
    return found | {presented.closed}


async def test_a_genuine_token_and_key_come_in_everywhere(people: People) -> None:
    assert await comes_in(people["owner"].token) == {200, None}
    assert await comes_in(await database_sync_to_async(people["owner"].key)(MARKET)) == {200, None}


async def test_forged_tokens_come_in_nowhere(people: People) -> None:
    claims = await database_sync_to_async(genuine)(people["owner"].user)
    found = {name: await rest(forge(claims)) for name, forge in FORGERIES.items()}
    assert found == dict.fromkeys(FORGERIES, 401)
    codes = {name: (await ask_socket(Knock(query=f"?token={FORGERIES[name](claims)}"), PING)).closed
             for name in FORGERIES}  # fmt: skip
    assert codes == dict.fromkeys(FORGERIES, 4401)


async def deactivated(person: Person) -> str:
    """Return the token of somebody who was sent away since."""
    token = person.token
    await User.objects.filter(pk=person.user.pk).aupdate(is_active=False)
    return token


async def logged_out(person: Person) -> str:
    """Return a token that was logged out."""
    token = person.token
    renewal = str(await database_sync_to_async(RefreshToken.for_user)(person.user))
    async with asking(token=token) as client:
        assert (await client.post("/auth/logout", json={"refresh": renewal})).status_code == 204
    return token


async def renewed_password(person: Person) -> str:
    """Return a token of an earlier password."""
    token = person.token
    person.user.set_password("another horse")
    await person.user.asave()
    return token


async def revoked_key(person: Person) -> str:
    """Return a key that was revoked."""
    text = await database_sync_to_async(person.key)(MARKET)
    key = await ApiKey.objects.select_related("user").aget(prefix=text[4:12])
    await database_sync_to_async(services.revoke_key)(key=key)
    return text


async def expired_key(person: Person) -> str:
    """Return a key whose time has passed."""
    return await database_sync_to_async(person.key)(MARKET, expires_at=timezone.now() - timedelta(seconds=1))


async def a_refresh_token(person: Person) -> str:
    """Return what only renews."""
    return str(await database_sync_to_async(RefreshToken.for_user)(person.user))


GONE: list[Callable[[Person], Awaitable[str]]] = [logged_out, revoked_key, expired_key, a_refresh_token,
                                                  renewed_password, deactivated]  # fmt: skip


@pytest.mark.parametrize("end", GONE)
async def test_what_has_ended_comes_in_nowhere(people: People, end: Callable[[Person], Awaitable[str]]) -> None:
    assert await comes_in(await end(people["teammate"])) == {401, 4401}


@pytest.mark.parametrize("scope", [STRATEGIES, ACCOUNTS])
async def test_a_key_without_the_scope_is_forbidden_and_its_socket_stays(people: People, scope: str) -> None:
    text = await database_sync_to_async(people["owner"].key)(scope)
    assert await rest(text) == 403
    for knock in ways(text).values():
        told = await ask_socket(knock, {"op": "subscribe", "id": 1, "channel": "chain", "underlying": "NIFTY"})
        assert (told.error, told.closed) == ("forbidden", None)


async def ticket_of(token: str) -> str:
    """Return a ticket."""
    async with asking(token=token) as client:
        return str((await client.post("/auth/ws-ticket")).json()["ticket"])


async def test_a_ticket_opens_one_socket_and_nothing_else(people: People) -> None:
    ticket = await ticket_of(people["owner"].token)
    assert await rest(ticket) == 401
    assert (await ask_socket(Knock(query=f"?token={ticket}"), PING)).closed == 4401
    assert (await ask_socket(Knock(), {"op": "auth", "id": 1, "token": ticket})).closed == 4401
    assert (await ask_socket(Knock(query=f"?ticket={ticket}"), PING)).closed is None
    assert (await ask_socket(Knock(query=f"?ticket={ticket}"), PING)).closed == 4401


async def test_a_token_is_no_ticket(people: People) -> None:
    assert (await ask_socket(Knock(query=f"?ticket={people['owner'].token}"), PING)).closed == 4401


async def test_the_ticket_of_a_token_that_was_logged_out_opens_nothing(people: People) -> None:
    person = people["owner"]
    token = person.token
    ticket = await ticket_of(token)
    renewal = str(await database_sync_to_async(RefreshToken.for_user)(person.user))
    async with asking(token=token) as client:
        await client.post("/auth/logout", json={"refresh": renewal})
    assert (await ask_socket(Knock(query=f"?ticket={ticket}"), PING)).closed == 4401


async def test_the_ticket_of_a_key_has_its_scopes_and_ends_with_it(people: People) -> None:
    text = await database_sync_to_async(people["owner"].key)(MARKET)
    first, second = await ticket_of(text), await ticket_of(text)
    told = await ask_socket(Knock(query=f"?ticket={first}"), PING)
    assert told.closed is None
    key = await ApiKey.objects.select_related("user").aget(prefix=text[4:12])
    await database_sync_to_async(services.revoke_key)(key=key)
    assert (await ask_socket(Knock(query=f"?ticket={second}"), PING)).closed == 4401
