"""What is written down of real requests: who and which in the events; of credentials nothing, at no level."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from django.db import connection
from pytest_django.fixtures import Settings
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from accounts.models import SecurityEvent
from accounts.principal import MARKET
from tests.integration.serving import Web, serving
from tests.rig.asgi import asking
from tests.rig.cast import PASSWORD
from tests.rig.servers import child_environment
from tests.security.people import People

PROXY, CLIENT, LIAR = "10.9.9.9", "198.51.100.7", "203.0.113.1"
WRONG = "Zq9-a-wrong-password"
FORGED_LINE = '{"level":"ERROR","message":"forged"}'
pytestmark = pytest.mark.django_db


async def _sign_in_wrongly(peer: str, forwarded: str, name: str) -> None:
    async with asking(address=peer) as client:
        body = {"username": name, "password": WRONG}
        headers = {"X-Forwarded-For": forwarded, "X-Request-ID": f"r-{name}"}
        assert (await client.post("/auth/token", json=body, headers=headers)).status_code == 401


async def test_an_event_of_a_real_request_has_its_id_and_the_address_that_is_believed(
    people: People, settings: Settings
) -> None:
    await _sign_in_wrongly(CLIENT, LIAR, "untrusted")
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    await _sign_in_wrongly(PROXY, f"{LIAR}, {CLIENT}", "through-a-proxy")
    await _sign_in_wrongly(CLIENT, LIAR, "around-the-proxy")
    found = {event.username: event async for event in SecurityEvent.objects.all()}
    assert {event.address for event in found.values()} == {CLIENT}
    assert {name: event.request_id for name, event in found.items()} == {name: f"r-{name}" for name in found}
    assert set(found) == {"untrusted", "through-a-proxy", "around-the-proxy"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The log file."""
    return tmp_path / "logs" / "app.log"


@pytest.fixture(params=["uvicorn", "daphne"])
def web(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, file: Path) -> Iterator[Web]:
    """A server that tells everything."""
    environment = child_environment(connection.settings_dict, redis_url)
    environment |= {"LOG_LEVEL": "DEBUG", "LOG_FILE": str(file), "RATE_LIMIT_PER_MINUTE": "1000000"}
    with serving(request.param, environment, tmp_path / "stdout") as found:
        yield found


def _sockets(web: Web, secret: str) -> None:
    url = f"ws://127.0.0.1:{web.port}/ws/fo/stream"
    _come_and_go(f"{url}?token={quote(secret)}")
    _come_and_go(f"{url}?ticket={quote(secret)}")
    _come_and_go(url, headers={"Authorization": f"Bearer {secret}"})
    _come_and_go(url, protocols=[f"bearer.{quote(secret)}"])
    _come_and_go(url, say=f'{{"op":"auth","id":1,"token":"{secret}"}}')
    _come_and_go(url, say=f'{{"op":"auth","token":"{secret}"')


def _come_and_go(url: str, *, headers: dict[str, str] | None = None, protocols: list[str] | None = None,
                 say: str = '{"op":"ping"}') -> None:  # fmt: skip
    try:
        options = {"additional_headers": headers, "subprotocols": protocols, "proxy": None, "open_timeout": 10}
        with connect(url, **options) as socket:  # type: ignore[arg-type]  # one dictionary for many types
            socket.send(say)
            socket.recv(timeout=0.3)
    except (WebSocketException, TimeoutError, OSError):
        pass


def _requests(web: Web, secret: str) -> None:
    base = f"http://127.0.0.1:{web.port}"
    with httpx.Client(base_url=base, headers={"Connection": "close"}) as client:
        for scheme in ("Bearer", "Token"):
            client.get("/fo/indicators", headers={"Authorization": f"{scheme} {secret}"})
        client.get("/fo/expiries", params={"token": secret, "access": secret})
        client.get("/nowhere", params={"ticket": secret})
        client.get("/admin/", headers={"Cookie": f"sessionid={secret}"})
        client.post("/auth/token", json={"username": "owner", "password": secret})
        client.post("/auth/token", content=f'{{"username": "owner", "password": "{secret}"')
        client.post("/auth/token/refresh", json={"refresh": secret})
        client.post("/auth/logout", json={"refresh": secret}, headers={"Authorization": f"Bearer {secret}"})
        client.post("/admin/login/", data={"username": "owner", "password": secret})


def _genuine(web: Web) -> list[str]:
    """Return good credentials of every kind, and a good password."""
    with httpx.Client(base_url=f"http://127.0.0.1:{web.port}") as client:
        pair = client.post("/auth/token", json={"username": "owner", "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {pair['access']}"
        key = client.post("/auth/api-keys", json={"name": "x", "scopes": [MARKET]}).json()["key"]
        ticket = client.post("/auth/ws-ticket").json()["ticket"]
    return [pair["access"], pair["refresh"], key, ticket, PASSWORD]


def test_no_credential_is_in_any_log_wherever_it_stood_and_no_line_is_forged(
    people: People, web: Web, file: Path
) -> None:
    secrets = [*_genuine(web), WRONG]
    for secret in secrets:
        _requests(web, secret)
        _sockets(web, secret)
    httpx.get(f"http://127.0.0.1:{web.port}/nowhere%0A{FORGED_LINE}", headers={"X-Request-ID": "a\tb"})
    texts = {"stdout and stderr": web.log.read_text(), "file": file.read_text()}
    assert all("/nowhere" in text for text in texts.values())
    found = {
        (where, secret[:12]): [line for line in text.splitlines() if part in line][:1]
        for where, text in texts.items()
        for secret in secrets
        for part in _parts(secret)
        if part in text
    }
    assert found == {}
    assert all(line["message"] != "forged" for line in web.lines())


def _parts(secret: str) -> list[str]:
    """Return what must not be seen of a secret: a token's payload and signature, a key behind its prefix."""
    if secret.startswith("tvk_"):
        return [secret[13:]]
    return secret.split(".")[1:] if secret.count(".") == 2 else [secret, quote(secret), quote_plus(secret)]
