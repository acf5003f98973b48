"""Every channel of the market over a real socket, beside what REST says and what was sent."""

import asyncio
from typing import Any

import pytest

from accounts.models import User
from streaming import rolls
from tests.api.market import FAR, LAST, NEAR, SPOT, SYMBOL, close_market, feed, ist, open_market, snapshot
from tests.rig.cast import access_token
from tests.websocket.client import Client, client_of
from tests.websocket.server import serve
from tests.websocket.test_same_numbers import chain_by_rest, in_a_thread
from tradingviz.asgi import application

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_url")


async def follow(client: Client, channel: str, **params: Any) -> dict[str, Any]:
    """Subscribe, and return the first document."""
    ack = await client.ask(op="subscribe", id=1, channel=channel, underlying=SYMBOL, **params)
    assert ack["type"] == "ack", ack
    frame = await client.until_type("snapshot")
    assert (frame["channel"], frame["topic"]) == (channel, ack["topic"])
    return dict(frame["data"])


async def test_the_market_is_told_in_every_channel(owner: User) -> None:
    token = access_token(owner)
    await asyncio.to_thread(in_a_thread, open_market)
    try:
        prices = [SPOT, SPOT + 40, SPOT - 25, SPOT + 10]
        later = [snapshot(LAST + 1000 * step, spot=price) for step, price in enumerate(prices, 1)]
        await asyncio.to_thread(in_a_thread, feed, later)
        by_rest = await asyncio.to_thread(in_a_thread, chain_by_rest, token, "NWeek%2B0")
        async with serve(application) as url, client_of(url, token=token) as client:
            underlying = await follow(client, "underlying")
            assert (underlying["spot"], underlying["ts_event"]) == (prices[-1], later[-1][0])
            metrics = await follow(client, "metrics", expiry="NWeek+0")
            for name in ("forward", "atm_strike", "atm_iv", "pcr_oi", "max_pain", "straddle", "ts_event"):
                assert by_rest[name] == metrics[name]
            head = await follow(client, "metrics", expiry="NWeek+0", convention="nse")
            assert (head["convention"], head["rate"]) == ("nse", 0.1)
            minute = await follow(client, "bars")
            assert minute["time"] == LAST // 60_000 * 60
            assert [minute[name] for name in ("high", "low", "close")] == [max(prices), min(prices), prices[-1]]
            day = await follow(client, "bars", timeframe="1d")
            assert day["time"] == 1770003900  # 09:15
            assert (day["high"], day["low"], day["close"]) == (max(prices), min(prices), prices[-1])
            chain = await follow(client, "chain", levels=1)
            assert len(chain["strikes"]) == 3
            assert len(client.mirror.documents) == 5
    finally:
        await asyncio.to_thread(in_a_thread, close_market)


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ({"channel": "bars", "underlying": "NIFTY", "timeframe": "7m"}, "timeframe"),
        ({"channel": "bars", "underlying": "NIFTY", "timeframe": 5}, "timeframe"),
        ({"channel": "underlying", "underlying": "NOBODY"}, "NOBODY"),
        ({"channel": "underlying", "underlying": ["NIFTY"]}, "symbol"),
        ({"channel": "metrics", "underlying": "NIFTY", "levels": 5}, "levels"),
        ({"channel": "chain", "underlying": "NIFTY", "levels": "5; DROP TABLE"}, "levels"),
        ({"channel": "chain", "underlying": "NIFTY", "convention": "bsm"}, "exact, nse"),
        ({"channel": "chain", "underlying": "NIFTY", "convention": ["nse"]}, "exact, nse"),
        ({"channel": "bars", "underlying": "NIFTY", "convention": "nse"}, "convention"),
        ({"channel": "nonsense"}, "no channel"),
    ],
)
async def test_what_makes_no_sense_is_said_in_a_word(owner: User, request_: dict[str, Any], word: str) -> None:
    await asyncio.to_thread(in_a_thread, open_market)
    try:
        async with serve(application) as url, client_of(url, token=access_token(owner)) as client:
            answer = await client.ask(op="subscribe", id=9, **request_)
            assert (answer["type"], answer["id"]) == ("error", 9)
            assert word in answer["message"]
    finally:
        await asyncio.to_thread(in_a_thread, close_market)


async def test_a_label_moves_on_to_the_next_expiry_with_a_fresh_snapshot(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolls, "AGAIN_SECONDS", 0.2)
    await asyncio.to_thread(in_a_thread, open_market)
    try:
        async with serve(application) as url, client_of(url, token=access_token(owner)) as client:
            by_label = await client.ask(
                op="subscribe", id="label", channel="chain", underlying=SYMBOL, expiry="NWeek+0"
            )
            by_date = await client.ask(
                op="subscribe", id="date", channel="metrics", underlying=SYMBOL, expiry=str(NEAR)
            )
            assert (by_label["echo"]["expiry"], by_date["echo"]["expiry"]) == (str(NEAR), str(NEAR))
            opened = ist("2026-02-04 09:20:00")
            await asyncio.to_thread(in_a_thread, feed, [snapshot(opened, expiries=(FAR,))])
            moved = await client.until_type("ack")
            assert (moved["id"], moved["echo"]["expiry"]) == ("label", str(FAR))
            frame = await client.until_type("snapshot")
            assert (frame["topic"], frame["ts_event"]) == (moved["topic"], opened)
            gone = await client.ask(op="unsubscribe", id=3, topic=by_label["topic"])
            assert gone["code"] == "not_subscribed"
    finally:
        await asyncio.to_thread(in_a_thread, close_market)
