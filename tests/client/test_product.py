"""The client against the application as it is deployed: signing in, following a chain, what REST says of it."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.api.market import LAST, STRIKES, close_market, feed, open_market, snapshot
from tests.client.following import PATIENCE, QUICK, cut
from tests.rig.cast import PASSWORD
from tests.websocket.server import serve
from tests.websocket.test_same_numbers import as_sent, chain_by_rest, in_a_thread
from tradingviz_client import Client, Login, RequestRefused, Unauthenticated, Unavailable
from tradingviz_client.__main__ import parser, watch

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_url")


@pytest.fixture
async def deployed(redis_url: str) -> AsyncIterator[str]:
    """Base URL of tradingviz.asgi."""
    from tradingviz.asgi import application

    async with serve(application) as url:
        yield url.replace("ws:", "http:")


@pytest.fixture
async def market(deployed: str) -> AsyncIterator[str]:
    """Base URL of the product with a small market."""
    await asyncio.to_thread(in_a_thread, open_market)
    yield deployed
    await asyncio.to_thread(in_a_thread, close_market)


async def test_a_chain_is_what_rest_says_also_after_the_connection_broke(market: str, owner: User) -> None:
    login = Login(market, owner.username, PASSWORD)
    async with Client(market, token=login, backoff=QUICK) as client, asyncio.timeout(PATIENCE):
        chain = client.chain("NIFTY", "NWeek+0", levels=3)
        assert len((await anext(chain)).document["strikes"]) == 7
        for step in range(3):
            cut(client)
            await asyncio.to_thread(in_a_thread, feed, [snapshot(LAST + 1000 * (step + 1))])
            by_rest = await asyncio.to_thread(in_a_thread, chain_by_rest, await login(), "NWeek%2B0")
            async for update in chain:
                if (update.epoch, update.seq) >= (by_rest["epoch"], by_rest["seq"]):
                    break
            chain = client.chain("NIFTY", "NWeek+0", levels=3)
            rows = sorted(update.document["strikes"].values(), key=lambda row: float(row["strike"]))
            assert as_sent(by_rest["strikes"]) == rows
            assert update.document["head"]["forward"] == by_rest["forward"]


async def test_a_login_is_good_for_ever_new_tokens(deployed: str, owner: User) -> None:
    login = Login(deployed, owner.username, PASSWORD)
    tokens = [await login() for _ in range(3)]
    assert len(set(tokens)) == 3
    async with Client(deployed, token=tokens[-1]) as client, asyncio.timeout(PATIENCE):
        while not client.connected:
            await asyncio.sleep(0.01)
        assert await client.ping() < 5


async def test_a_refresh_token_that_is_void_is_no_obstacle(deployed: str, owner: User) -> None:
    login = Login(deployed, owner.username, PASSWORD)
    await login()
    login._refresh = "void"
    assert (await login()).count(".") == 2


async def test_a_wrong_password_is_said_once_and_not_tried_again(deployed: str, owner: User) -> None:
    async with Client(deployed, token=Login(deployed, owner.username, "wrong"), backoff=QUICK) as client:
        with pytest.raises(Unauthenticated, match="HTTP 401"):
            await asyncio.wait_for(anext(client.chain("NIFTY")), PATIENCE)


async def test_too_many_logins_are_told_how_long_to_wait(deployed: str, owner: User) -> None:
    async def sign_in_often() -> None:
        for _ in range(25):
            await Login(deployed, owner.username, PASSWORD)()

    with pytest.raises(Unavailable) as busy:
        await sign_in_often()
    assert 1 <= busy.value.retry_after <= 60


async def test_a_chain_nobody_knows_is_refused_with_the_reason(market: str, owner: User) -> None:
    async with Client(market, token=Login(market, owner.username, PASSWORD)) as client:
        with pytest.raises(RequestRefused, match="NOTHING"):
            await asyncio.wait_for(anext(client.chain("NOTHING")), PATIENCE)


async def test_the_table_shows_every_strike(market: str, owner: User, settings: Settings) -> None:
    options = parser().parse_args(["chain", "NIFTY", "NWeek+0", "--url", market, "--levels", "50", "--count", "1"])
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        await watch(options, {"DEMO_USER": owner.username, "DEMO_PASSWORD": PASSWORD})
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("NIFTY 2026-02-03  forward 25,")
    assert lines[1].startswith(("LIVE", "STALE"))
    assert [line.split("|")[1].strip(" ><") for line in lines[4:15]] == [f"{strike:,.0f}" for strike in STRIKES]
