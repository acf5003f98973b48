"""Formats, intervals, coming back, and clients that do not read: over real servers."""

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from streaming import outbox
from streaming.publisher import Publisher
from streaming.views import MAX_VIEWS
from tests.websocket.client import Client, client_of

TOPIC = "numbers:a"


def publish(publisher: Publisher, n: int) -> None:
    publisher.publish(TOPIC, document(n), ts_event=17, convention="exact")


def document(n: int) -> dict[str, Any]:
    """Return the n-th document: `rows` change all of them, every third time also in what they are."""
    rows = {
        str(row): {"price": row / (n + 3), "call": {"oi": row * n, "iv": None if n % 3 else 0.1}} for row in range(20)
    }
    return {"n": n, "rest": "same", "rows": rows}


@pytest.fixture(params=["server", "daphne"])
def either(request: pytest.FixtureRequest) -> str:
    """Base URL of each server in turn."""
    return str(request.getfixturevalue(request.param))


async def until(client: Client, n: int) -> None:
    await client.until_document(TOPIC, document(n))


@pytest.mark.parametrize("wire", ["msgpack", "columns"])
async def test_data_comes_in_the_format_that_is_asked_for(either: str, publisher: Publisher, wire: str) -> None:
    publish(publisher, 0)
    async with client_of(either) as client:
        await client.subscribe("a", format=wire)
        await until(client, 0)
        for n in range(1, 6):
            publish(publisher, n)
            await until(client, n)
        assert client.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 5


async def test_an_interval_brings_fewer_frames_and_the_same_document(either: str, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with client_of(either) as paced, client_of(either) as every:
        await paced.subscribe("a", interval_ms=500)
        await every.subscribe("a")
        for client in (paced, every):
            await until(client, 0)
        for n in range(1, 31):
            publish(publisher, n)
            await asyncio.sleep(0.05)
        for client in (paced, every):
            await until(client, 30)
        assert every.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 30
        deltas = paced.mirror.kinds(TOPIC)[1:]
        assert set(deltas) == {"delta"}
        assert 3 <= len(deltas) <= 6


@pytest.mark.parametrize("wire", ["json", "columns"])
async def test_who_comes_back_gets_exactly_the_deltas_it_missed(either: str, publisher: Publisher, wire: str) -> None:
    publish(publisher, 0)
    async with client_of(either) as stays:
        await stays.subscribe("a", format=wire)
        await until(stays, 0)
        async with client_of(either) as leaves:
            await leaves.subscribe("a", format=wire)
            await until(leaves, 0)
            epoch, seq = leaves.mirror.positions[TOPIC]
        for n in range(1, 30):
            publish(publisher, n)
        await until(stays, 29)
        async with client_of(either) as back:
            back.mirror.positions[TOPIC], back.mirror.documents[TOPIC] = (epoch, seq), document(0)
            ack = await back.subscribe("a", op="resume", topic=TOPIC, epoch=epoch, seq=seq, format=wire)
            assert (ack["op"], ack["echo"]["resumed"]) == ("resume", True)
            await until(back, 29)
            assert data_of(back) == data_of(stays)[1:]


def data_of(client: Client) -> list[dict[str, Any]]:
    """Return the data frames a client got, with the moment they were sent."""
    return [frame for frame in client.mirror.frames if frame["type"] in {"snapshot", "delta"}]


async def test_who_comes_back_from_before_all_that_is_known_gets_a_snapshot(either: str, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with client_of(either) as client:
        ack = await client.subscribe("a", op="resume", topic=TOPIC, epoch=1, seq=1)
        assert ack["echo"]["resumed"] is False
        await until(client, 0)
        assert client.mirror.kinds(TOPIC) == ["snapshot"]


async def test_who_never_reads_is_closed_with_4408_and_delays_nobody(daphne: str, publisher: Publisher) -> None:
    """Daphne takes whatever it is given into memory: the bound must be ours."""
    options: dict[str, Any] = {"max_queue": 1, "max_size": None, "compression": None}
    async with client_of(daphne, **options) as deaf, client_of(daphne) as quick:
        await deaf.subscribe("big")
        await quick.subscribe("a")
        publish(publisher, 0)
        await until(quick, 0)
        for n in range(1, 131):
            publisher.publish("numbers:big", {"x": f"{n}" * 200_000}, ts_event=17, convention="exact")
            publish(publisher, n)
            async with asyncio.timeout(1):
                await until(quick, n)
            await asyncio.sleep(0.1)
        assert await deaf.code_within(10) in {4408, 1006}  # the connection may have gone before the code could pass
        assert (await quick.ask(op="ping", id=1))["type"] == "ack"


@pytest.fixture
def impatient(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server whose sockets may be deaf for half a second."""
    monkeypatch.setattr(outbox, "DEAF_SECONDS", 0.5)
    return server


async def test_who_takes_nothing_for_long_is_closed(impatient: str, publisher: Publisher) -> None:
    options: dict[str, Any] = {"max_queue": 1, "max_size": None, "compression": None}
    async with client_of(impatient, **options) as deaf:
        await deaf.subscribe("big")
        for n in range(60):
            publisher.publish("numbers:big", {"x": f"{n}" * 200_000}, ts_event=17, convention="exact")
            await asyncio.sleep(0.05)
        with suppress(ConnectionClosed):
            assert await deaf.code_within(20) in {4408, 1006}


async def test_one_user_follows_a_topic_in_sixteen_ways_on_any_number_of_sockets(
    server: str, publisher: Publisher
) -> None:
    publisher.publish("numbers:ways", {"n": 0}, ts_event=17, convention="exact")
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(server)) for _ in range(MAX_VIEWS + 1)]
        answers = [await client.subscribe("ways", keys=[str(n)]) for n, client in enumerate(clients)]
        assert [answer["type"] for answer in answers] == ["ack"] * MAX_VIEWS + ["error"]
        assert answers[-1]["code"] == "too_many_views"
        other = await stack.enter_async_context(client_of(server, token="other"))
        assert (await other.subscribe("ways", keys=["another"]))["type"] == "ack"
