"""Credentials that end, servers that close, fall silent or are not there."""

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from itertools import pairwise

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from streaming.publisher import Publisher
from tests.client.application import Meddler
from tests.client.following import PATIENCE, QUICK, answering, eventually, numbers, publish, until
from tests.websocket.application import doorkeeper
from tradingviz.quickstart.preflight import free_port
from tradingviz_client import Client, ClientError, Forbidden, Rejected, Unauthenticated, Unavailable


def in_turn(*tokens: str) -> Callable[[], str]:
    """Return a provider of these tokens, one after another."""
    left = list(tokens)
    return lambda: left.pop(0)


async def test_a_token_that_expires_is_replaced_on_the_same_socket(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    publish(publisher, 0)
    async with Client(server, token=in_turn("brief", "guest")) as client:
        updates = numbers(client)
        await until(updates, 0)
        for n in range(1, 8):
            await asyncio.sleep(0.4)
            publish(publisher, n)
            assert [update.stale for update in await until(updates, n)] == [None]
    assert meddler.tokens == ["brief"]
    assert sorted(meddler.operations()) == ["auth", "subscribe"]


async def test_a_provider_that_cannot_answer_in_time_is_asked_again_after_4401(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    asked = 0

    async def provider() -> str:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Unavailable("busy")
        return "brief" if asked == 1 else "guest"

    publish(publisher, 0)
    async with Client(server, token=provider, backoff=QUICK) as client:
        updates = numbers(client)
        await until(updates, 0)
        lost = await asyncio.wait_for(anext(updates), PATIENCE)
        assert lost.stale is not None
        await until(updates, 0)
    assert meddler.tokens == ["brief", "guest"]
    assert asked == 3


async def test_who_is_sent_away_comes_back_with_fresh_credentials(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    publish(publisher, 0)
    doorkeeper.expelled.add("guest")
    try:
        async with Client(server, token=in_turn("guest", "other"), backoff=QUICK) as client:
            updates = numbers(client)
            await until(updates, 0)
            assert (await asyncio.wait_for(anext(updates), PATIENCE)).stale is not None
            await until(updates, 0)
    finally:
        doorkeeper.expelled.clear()
    assert meddler.tokens == ["guest", "other"]


@pytest.mark.parametrize("junk", ["junk", in_turn("junk", "junk")])
async def test_credentials_that_open_nothing_are_given_up(
    server: str, meddler: Meddler, junk: str | Callable[[], str]
) -> None:
    async with Client(server, token=junk, backoff=QUICK) as client, asyncio.timeout(PATIENCE):
        with pytest.raises(Unauthenticated, match="4401"):
            await anext(numbers(client))
        with pytest.raises(Unauthenticated):
            await anext(numbers(client))
    assert meddler.tokens == ["junk"]


async def test_what_a_provider_raises_reaches_who_follows(server: str) -> None:
    def provider() -> str:
        raise Unauthenticated("wrong password")

    async with Client(server, token=provider) as client:
        with pytest.raises(Unauthenticated, match="wrong password"):
            await asyncio.wait_for(anext(numbers(client)), PATIENCE)


@pytest.mark.parametrize(("token", "code", "least"), [("crowded", 4429, 10.0), ("nobody-can-say", 4503, 1.0)])
async def test_a_server_that_wants_to_be_left_alone_is_for_so_long(
    server: str, meddler: Meddler, token: str, code: int, least: float
) -> None:
    async with Client(server, token=token, backoff=QUICK) as client:
        await eventually(lambda: str(code) in client.status)
        wait = float(client.status.rpartition("in ")[2].removesuffix(" s"))
        assert least <= wait <= least * 1.5
        await asyncio.sleep(0.5)
        assert meddler.tokens == [token]


async def close_with(code: int, comes: list[float], connection: ServerConnection) -> None:
    """Close every socket with a code, noting when it came."""
    comes.append(asyncio.get_running_loop().time())
    await connection.close(code)


@pytest.mark.parametrize(("code", "error"), [(4403, Forbidden), (4400, Rejected)])
async def test_a_code_that_says_do_not_come_again_is_obeyed(code: int, error: type[ClientError]) -> None:
    comes: list[float] = []
    async with answering(partial(close_with, code, comes)) as url, Client(url, token="t", backoff=QUICK) as client:
        with pytest.raises(error, match=str(code)):
            await asyncio.wait_for(anext(numbers(client)), PATIENCE)
        await asyncio.sleep(0.3)
    assert len(comes) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 4999])
async def test_after_any_other_close_the_client_comes_again_less_and_less_often(code: int) -> None:
    comes: list[float] = []
    async with answering(partial(close_with, code, comes)) as url, Client(url, token="t", backoff=QUICK):
        await eventually(lambda: len(comes) >= 6)
    pauses = [later - earlier for earlier, later in pairwise(comes)]
    assert pauses[4] >= 0.08  # half of 0.01 * 2 ** 4
    assert comes[5] - comes[0] < 5


async def test_a_server_that_is_too_slow_for_us_waits_a_second() -> None:
    comes: list[float] = []
    async with answering(partial(close_with, 4408, comes)) as url, Client(url, token="t", backoff=QUICK):
        await eventually(lambda: len(comes) >= 2)
    assert comes[1] - comes[0] >= 1.0


async def test_a_server_that_drains_says_when_to_come_again() -> None:
    comes: list[float] = []

    async def drain(connection: ServerConnection) -> None:
        await connection.send('{"type":"draining","v":1,"retry_after":0.8,"ts_sent":1}')
        await close_with(1001, comes, connection)

    async with answering(drain) as url, Client(url, token="t", backoff=QUICK):
        await eventually(lambda: len(comes) >= 2)
    assert 0.8 <= comes[1] - comes[0] <= 2.0


async def test_a_server_that_says_nothing_for_three_heartbeats_is_left() -> None:
    comes: list[float] = []

    async def say_nothing(connection: ServerConnection) -> None:
        comes.append(asyncio.get_running_loop().time())
        await connection.wait_closed()

    async with answering(say_nothing) as url, Client(url, token="t", backoff=QUICK, heartbeat_seconds=0.1) as client:
        await eventually(lambda: len(comes) >= 3)
        assert client.status == "connected" or "silent" in client.status
    assert comes[1] - comes[0] >= 0.3


async def test_heartbeats_alone_keep_a_connection(server: str, meddler: Meddler) -> None:
    async with Client(server, token="guest", heartbeat_seconds=2.0) as client:
        await eventually(lambda: client.connected)
        await asyncio.sleep(6.5)
        assert await client.ping() < 5
    assert meddler.tokens == ["guest"]


async def test_a_server_that_is_not_there_yet_is_waited_for(redis_url: str, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with Client(f"http://127.0.0.1:{free_port()}", token="guest", backoff=QUICK) as client:
        waiting = asyncio.create_task(anext(numbers(client)))
        await eventually(lambda: "no connection" in client.status)
        assert not waiting.done()
    with pytest.raises(ClientError, match="closed"):
        await waiting


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, Forbidden), (401, Unauthenticated)])
async def test_a_handshake_that_is_refused_for_good_is_given_up(status: int, error: type[ClientError]) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "")

    async with serve(partial(close_with, 1000, []), "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Client(f"http://127.0.0.1:{port}/elsewhere", token="t", backoff=QUICK) as client:
            with pytest.raises(error, match=f"HTTP {status}"):
                await asyncio.wait_for(anext(numbers(client)), PATIENCE)
