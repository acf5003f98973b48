"""Documents as the client yields them, while the connection holds and when it does not."""

import asyncio
import gc
from collections import Counter
from typing import Any

import pytest

from streaming import hub
from streaming.publisher import Publisher
from tests.client.application import MARKET_CHANNEL, Meddler, market
from tests.client.conftest import Process
from tests.client.following import QUICK, TOPIC, cut, eventually, numbers, publish, until
from tests.websocket.application import CHANNEL
from tradingviz_client import Backoff, Client, ConnectionLost, Login, RequestRefused, Unavailable
from tradingviz_client.subscription import LATER, now_ms


async def test_every_document_is_whole_and_in_order_in_whatever_manner(process: Process, publisher: Publisher) -> None:
    for manner in ({}, {"format": "json"}, {"format": "columns"}, {"interval_ms": 250}):
        await assert_whole_and_in_order(process, publisher, manner)


async def assert_whole_and_in_order(process: Process, publisher: Publisher, manner: dict[str, Any]) -> None:
    publish(publisher, 0)
    async with Client(process.url, token="guest") as client:
        updates = numbers(client, **manner)
        seen = await until(updates, 0)
        for n in range(1, 20):
            publish(publisher, n)
            await asyncio.sleep(0.02)
        seen += await until(updates, 19)
    positions = [(update.epoch, update.seq) for update in seen]
    assert positions == sorted(set(positions))
    assert {(update.channel, update.topic, update.convention) for update in seen} == {(CHANNEL, TOPIC, "exact")}
    assert seen[-1].ts_event == 19
    assert seen[-1].age_ms(now=1019) == 1000
    assert 0 <= seen[-1].ts_sent - seen[0].ts_sent < 20_000


async def test_a_broken_connection_costs_nothing_but_time(process: Process, publisher: Publisher) -> None:
    told: list[tuple[str, str]] = []
    publish(publisher, 0)
    async with Client(
        process.url,
        token="guest",
        on_stale=lambda topic, why: told.append((topic, why.reason)),
        on_recovered=lambda topic, why: told.append((topic, f"not {why.reason}")),
        backoff=QUICK,
    ) as client:
        updates = numbers(client)
        await until(updates, 0)
        for n in range(1, 4):
            cut(client)
            stale = (await anext(updates)).stale
            assert stale is not None
            assert 0 <= now_ms() - stale.since < 2_000
            publish(publisher, n)
            await until(updates, n)
    assert told == [(TOPIC, "disconnected"), (TOPIC, "not disconnected")] * 3


async def test_who_comes_back_resumes_and_misses_no_delta(server: str, meddler: Meddler, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest", backoff=QUICK) as client:
        updates = numbers(client)
        [first] = await until(updates, 0)
        cut(client)
        for n in range(1, 6):
            publish(publisher, n)
        seen = await until(updates, 5)
    assert meddler.operations() == ["subscribe", "resume"]
    assert meddler.asked[1] | {"id": 0} == meddler.asked[0] | {
        "op": "resume", "id": 0, "topic": TOPIC, "epoch": first.epoch, "seq": first.seq
    }  # fmt: skip
    assert seen[-1].epoch == first.epoch
    assert seen[-1].seq == first.seq + 5


@pytest.mark.parametrize("kill", [False, True])
async def test_a_restart_of_the_server_is_survived_within_ten_seconds_without_a_hole(
    process: Process, publisher: Publisher, *, kill: bool
) -> None:
    publish(publisher, 0)
    async with Client(process.url, token="guest") as client:
        updates = numbers(client)
        await until(updates, 0)
        publish(publisher, 1)
        await until(updates, 1)
        await asyncio.to_thread(process.stop, kill=kill)
        lost = await anext(updates)
        assert (lost.document["n"], lost.stale and lost.stale.reason) == (1, "disconnected")
        assert not client.connected
        for n in range(2, 8):
            publish(publisher, n)
        await asyncio.to_thread(process.start)
        async with asyncio.timeout(10):
            await until(updates, 7)
        publish(publisher, 8)
        assert [update.seq for update in await until(updates, 8)] == [lost.seq + 7]


async def test_after_a_hole_nothing_is_yielded_before_all_of_it_came_again(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        updates = numbers(client)
        await until(updates, 0)
        meddler.swallow = 1
        publish(publisher, 1)
        await eventually(lambda: meddler.swallow == 0)
        publish(publisher, 2)
        assert [update.document["n"] for update in await until(updates, 2)] == [2]
        publish(publisher, 3)
        await until(updates, 3)
    assert meddler.operations() == ["subscribe", "subscribe"]
    assert len(meddler.tokens) == 1


async def test_hole_after_hole_is_asked_about_less_and_less_often(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        updates = numbers(client)
        await until(updates, 0)
        for n in range(1, 41):
            meddler.swallow = n % 2
            publish(publisher, n)
            await asyncio.sleep(0.03)
        publish(publisher, 41)
        await until(updates, 41)
        assert client.connected
    assert len(meddler.tokens) == 1
    assert 2 <= meddler.operations().count("subscribe") <= 8


@pytest.mark.usefixtures("silence")
async def test_a_market_that_falls_silent_and_speaks_again_is_told_and_shown(server: str, publisher: Publisher) -> None:
    told: list[str] = []
    publish(publisher, 0)
    async with Client(
        server,
        token="guest",
        on_stale=lambda topic, why: told.append(f"{topic} {why.reason}"),
        on_recovered=lambda topic, why: told.append(f"{topic} no longer {why.reason}"),
    ) as client:
        updates = client.follow(MARKET_CHANNEL, name="a")
        await until(updates, 0)
        market.reason = "feed_silent"
        stale = await anext(updates)
        assert (stale.stale and stale.stale.reason, stale.document["n"]) == ("feed_silent", 0)
        publish(publisher, 1)
        still = await anext(updates)
        assert (still.stale, still.document["n"]) == (stale.stale, 1)
        market.reason = None
        assert (await anext(updates)).stale is None
    assert told == [f"{TOPIC} feed_silent", f"{TOPIC} no longer feed_silent"]


async def test_who_reads_slowly_gets_the_newest_document(server: str, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client, Client(server, token="guest") as quick:
        slow_updates, quick_updates = numbers(client), numbers(quick)
        await until(slow_updates, 0)
        await until(quick_updates, 0)
        for n in range(1, 30):
            publish(publisher, n)
            await until(quick_updates, n)
        await asyncio.sleep(0.1)
        assert (await anext(slow_updates)).document["n"] == 29


async def test_leaving_the_loop_ends_the_subscription(server: str, meddler: Meddler, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        async for _ in numbers(client):
            break
        await eventually(lambda: "unsubscribe" in meddler.operations())
        await client.ping()
        publish(publisher, 1)
        await until(numbers(client), 1)
    assert meddler.operations() == ["subscribe", "unsubscribe", "ping", "subscribe"]


async def test_a_topic_is_followed_once_and_the_first_follower_goes_on(server: str, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        first = numbers(client)
        await until(first, 0)
        with pytest.raises(RequestRefused, match="already_subscribed"):
            await anext(numbers(client, format="json"))
        publish(publisher, 1)
        await until(first, 1)


async def test_who_gives_up_before_the_answer_takes_nothing_from_who_follows_the_topic(
    server: str, publisher: Publisher
) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        first = numbers(client)
        await until(first, 0)
        for n in range(1, 6):
            second = asyncio.create_task(anext(numbers(client, keys=["n"])))
            await asyncio.sleep(0)  # it is asked for, and not answered
            second.cancel()
            await asyncio.sleep(0.2)
            publish(publisher, n)
            await until(first, n)


@pytest.mark.parametrize(("name", "code"), [("forbidden", "forbidden"), (5, "invalid_request"), ("broken", "internal")])
async def test_what_cannot_be_had_is_raised_and_the_others_go_on(
    server: str, publisher: Publisher, name: object, code: str
) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        updates = numbers(client)
        await until(updates, 0)
        with pytest.raises(RequestRefused) as refused:
            await anext(client.follow(CHANNEL, name=name))
        assert refused.value.code == code
        publish(publisher, 1)
        await until(updates, 1)


async def test_sixty_subscriptions_come_back_at_the_pace_the_server_allows(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    for n in range(60):
        publisher.publish(f"numbers:t{n}", {"n": n}, ts_event=1, convention="exact")
    async with Client(server, token="guest", backoff=QUICK) as client:
        followed = [client.follow(CHANNEL, name=f"t{n}") for n in range(60)]
        async with asyncio.timeout(40):
            first = await asyncio.gather(*map(anext, followed))
            assert [update.document for update in first] == [{"n": n} for n in range(60)]
            cut(client)
            assert None not in [update.stale for update in await asyncio.gather(*map(anext, followed))]
            assert {update.stale for update in await asyncio.gather(*map(anext, followed))} == {None}
    assert len(meddler.tokens) == 2
    assert meddler.operations() == ["subscribe"] * 60 + ["resume"] * 60


async def test_two_hundred_reconnects_leave_nothing_behind(server: str, publisher: Publisher) -> None:
    async def reconnect(times: int) -> None:
        for _ in range(times):
            cut(client)
            assert (await anext(updates)).stale is not None
            assert (await anext(updates)).stale is None

    publish(publisher, 0)
    async with Client(server, token="guest", backoff=Backoff(first=0.001, longest=0.01)) as client:
        updates = numbers(client)
        await until(updates, 0)
        async with asyncio.timeout(120):
            await reconnect(50)
            before = await settled()
            await reconnect(200)
            after = await settled()
    assert before["tradingviz_client.link.Link"] == 1
    grown = after - before
    assert [name for name in grown if name.startswith("tradingviz_client.")] == []
    assert max(grown.values(), default=0) < 5  # a few ends of the server's side may be under way


async def settled() -> Counter[str]:
    """Return how many objects of each type of the client, its sockets and tasks there are, once all is quiet."""
    await eventually(lambda: hub.current().sockets == 1)
    await asyncio.sleep(0.2)
    gc.collect()
    names = (f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
    return Counter(name for name in names if name.startswith(("tradingviz_client.", "websockets.", "_asyncio.Task")))


async def test_a_closed_client_says_so_to_who_still_waits(server: str, publisher: Publisher) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest") as client:
        updates = numbers(client)
        await until(updates, 0)
    with pytest.raises(ConnectionLost, match="closed"):
        await anext(updates)
    with pytest.raises(ConnectionLost):
        await client.ping()


async def test_who_leaves_while_a_hole_waits_to_be_filled_is_unsubscribed(
    server: str, meddler: Meddler, publisher: Publisher
) -> None:
    publish(publisher, 0)
    async with Client(server, token="guest", backoff=Backoff(first=30.0, longest=60.0)) as client:
        updates = numbers(client)
        await until(updates, 0)
        for n in (1, 3):  # the second hole in a row is not asked about at once
            meddler.swallow = 1
            publish(publisher, n)
            await eventually(lambda: meddler.swallow == 0)
            publish(publisher, n + 1)
            if n == 1:
                await until(updates, 2)
        [subscription] = client._subscriptions
        await eventually(lambda: subscription.asked == LATER)
        await updates.aclose()
        await eventually(lambda: meddler.operations() == ["subscribe", "subscribe", "unsubscribe"])


async def test_a_torn_answer_to_signing_in_is_one_to_be_asked_for_again() -> None:
    async def tear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

    async with await asyncio.start_server(tear, "127.0.0.1", 0) as torn:
        port = torn.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await Login(f"http://127.0.0.1:{port}", "somebody", "password")()
