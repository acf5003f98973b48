"""REST and WebSocket say the same of the same `seq`."""

import asyncio
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from accounts.models import User
from tests.api.market import LAST, close_market, feed, open_market, snapshot
from tests.rig.cast import access_token
from tests.websocket.client import client_of
from tests.websocket.server import serve
from tradingviz.asgi import application

# What REST adds: ages, changes since the previous session, the depth (books have a topic of their own).
ADDED = {"age_ms", "quote_age_ms", "oi_age_ms", "oi_change", "oi_change_percent", "build_up", "depth"}
LEVELS = 3


def in_a_thread(work: Any, *arguments: Any) -> Any:
    """Do what needs the database, with a connection that ends."""
    try:
        return work(*arguments)
    finally:
        connections.close_all()


def chain_by_rest(token: str, expiry: str, convention: str = "exact") -> dict[str, Any]:
    """Return the live chain of an expiry."""
    answer = APIClient().get(
        f"/fo/strike-distribution?underlying=NIFTY&expiry={expiry}&levels={LEVELS}&convention={convention}",
        HTTP_AUTHORIZATION=f"Bearer {token}",
    )
    [chain] = answer.json()["chains"]
    found: dict[str, Any] = chain
    return found


def as_sent(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return strikes as a socket sends them."""
    return [
        {"strike": row["strike"]}
        | {
            side: {name: value for name, value in row[side].items() if name not in ADDED}
            for side in ("call", "put")
            if side in row
        }
        for row in rows
    ]


@pytest.mark.parametrize("convention", ["exact", "nse"])
@pytest.mark.usefixtures("transactional_db", "redis_url")
async def test_a_chain_has_the_same_numbers_by_rest_and_by_socket(owner: User, convention: str) -> None:
    token = access_token(owner)
    await asyncio.to_thread(in_a_thread, open_market)
    try:
        async with serve(application) as url, client_of(url, token=token) as client:
            asked = {"underlying": "NIFTY", "expiry": "NWeek+0", "levels": LEVELS, "convention": convention}
            answer = await client.ask(op="subscribe", id=1, channel="chain", **asked)
            assert answer["type"] == "ack", answer
            for step in range(3):
                await asyncio.to_thread(in_a_thread, feed, [snapshot(LAST + 1000 * (step + 1))])
                by_rest = await asyncio.to_thread(in_a_thread, chain_by_rest, token, "NWeek%2B0", convention)
                position = (by_rest["epoch"], by_rest["seq"])
                async with asyncio.timeout(10):
                    while (frame := await client.frame()).get("epoch") is None or (
                        frame["epoch"],
                        frame["seq"],
                    ) < position:
                        pass
                assert (frame["epoch"], frame["seq"]) == position
                assert frame["convention"] == by_rest["convention"] == convention
                document = client.mirror.documents[frame["topic"]]
                assert as_sent(by_rest["strikes"]) == sorted(
                    document["strikes"].values(), key=lambda row: float(row["strike"])
                )
                for name in ("forward", "atm_strike", "atm_iv", "pcr_oi", "max_pain", "straddle", "ts_event"):
                    assert by_rest[name] == document["head"][name]
    finally:
        await asyncio.to_thread(in_a_thread, close_market)
