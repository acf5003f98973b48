"""The reading end: every subscriber ends with the publisher's document, whatever happens on the way."""

import asyncio
import time
from collections.abc import Callable

import pytest
import redis
import redis.asyncio

from streaming.domain.sequencing import Document
from streaming.hub import Hub
from streaming.outbox import MAX_ANSWERS
from streaming.protocol import Ack, Close
from streaming.publisher import Publisher
from streaming.state import FIELD, frames_key, state_key
from streaming.watched import BELIEVED_MS, watched
from tests.integration.streaming.subscriber import Subscriber
from tradingviz.core.clock import now_ms
from tradingviz.quickstart.redis import EmbeddedRedis

TOPIC = "chain:NIFTY:2026-02-03"


def publish(publisher: Publisher, document: Document, topic: str = TOPIC) -> int:
    return publisher.publish(topic, document, ts_event=0, convention="exact")


def numbered(n: int) -> Document:
    return {"n": n, "strikes": {str(strike): {"iv": n * strike} for strike in range(4)}}


async def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    for _ in range(int(seconds * 100)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


def reads(client: redis.Redis) -> int:
    """Return how often anybody has asked Redis for a state or a frame."""
    stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("xread", "mget"))


async def test_a_snapshot_and_then_every_delta(publisher: Publisher, subscriber: Subscriber) -> None:
    publish(publisher, numbered(0))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(0))
    for n in range(1, 30):
        publish(publisher, numbered(n))
        await asyncio.sleep(0)
    await subscriber.until_document(TOPIC, numbered(29))
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 29
    assert subscriber.mirror.frames[-1]["convention"] == "exact"


async def test_a_topic_that_has_no_state_yet_begins_when_it_has(publisher: Publisher, subscriber: Subscriber) -> None:
    subscriber.subscribe(TOPIC)
    await asyncio.sleep(0.25)
    assert subscriber.mirror.kinds(TOPIC) == []
    publish(publisher, numbered(1))
    await subscriber.until_document(TOPIC, numbered(1))
    publish(publisher, numbered(2))
    await subscriber.until_document(TOPIC, numbered(2))
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot", "delta"]


async def test_a_late_subscriber_joins_in_the_middle(publisher: Publisher, hub: Hub, subscriber: Subscriber) -> None:
    publish(publisher, numbered(0))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(0))
    publish(publisher, numbered(1))
    await subscriber.until_document(TOPIC, numbered(1))
    late = Subscriber(hub)
    late.subscribe(TOPIC)
    await late.until_document(TOPIC, numbered(1))
    publish(publisher, numbered(2))
    await late.until_document(TOPIC, numbered(2))
    assert late.mirror.kinds(TOPIC) == ["snapshot", "delta"]
    await late.leave()


async def test_every_view_follows_its_own_projection(publisher: Publisher, hub: Hub) -> None:
    def near(document: Document) -> Document:
        return {"strikes": {"1": document["strikes"]["1"]}, "n": document["n"]}

    narrow, wide = Subscriber(hub), Subscriber(hub)
    publish(publisher, numbered(0))
    narrow.subscribe(TOPIC, view_key="near", project=near, convention="nse")
    wide.subscribe(TOPIC)
    await asyncio.gather(narrow.until_document(TOPIC, near(numbered(0))), wide.until_document(TOPIC, numbered(0)))
    for n in range(1, 5):
        publish(publisher, numbered(n))
        await asyncio.gather(narrow.until_document(TOPIC, near(numbered(n))), wide.until_document(TOPIC, numbered(n)))
    assert {frame["convention"] for frame in narrow.mirror.frames if frame["type"] == "delta"} == {"nse"}
    assert narrow.mirror.positions == wide.mirror.positions
    await asyncio.gather(narrow.leave(), wide.leave())


async def test_a_change_outside_the_view_still_counts_in_its_seq(publisher: Publisher, subscriber: Subscriber) -> None:
    publish(publisher, {"in": 1, "out": 1})
    subscriber.subscribe(TOPIC, view_key="in", project=lambda document: {"in": document["in"]})
    await subscriber.until_document(TOPIC, {"in": 1})
    publish(publisher, {"in": 1, "out": 2})
    publish(publisher, {"in": 2, "out": 2})
    await subscriber.until_document(TOPIC, {"in": 2})
    assert [frame["data"] for frame in subscriber.mirror.frames if frame["type"] == "delta"] == [
        {},
        {"in": 2},
    ]


async def test_who_does_not_read_gets_a_snapshot_and_holds_nobody_up(publisher: Publisher, hub: Hub) -> None:
    quick, slow = Subscriber(hub), Subscriber(hub)
    publish(publisher, numbered(0))
    for reader in (quick, slow):
        reader.subscribe(TOPIC)
        await reader.until_document(TOPIC, numbered(0))
    slow.hold()
    for n in range(1, 40):
        publish(publisher, numbered(n))
        await quick.until_document(TOPIC, numbered(n))
    slow.go_on()
    await slow.until_document(TOPIC, numbered(39))
    assert quick.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 39
    assert slow.mirror.kinds(TOPIC) == ["snapshot", "delta", "snapshot"]
    publish(publisher, numbered(40))
    await slow.until_document(TOPIC, numbered(40))
    assert slow.mirror.kinds(TOPIC)[-1] == "delta"
    await asyncio.gather(quick.leave(), slow.leave())


async def test_what_nobody_watches_is_not_read(client: redis.Redis, publisher: Publisher, hub: Hub) -> None:
    first, second = Subscriber(hub), Subscriber(hub)
    publish(publisher, numbered(1))
    for reader in (first, second):
        reader.subscribe(TOPIC)
        await reader.until_document(TOPIC, numbered(1))
    assert hub.topics == {TOPIC}
    await first.leave()
    assert hub.topics == {TOPIC}
    hub.unsubscribe(second.outbox, TOPIC)
    assert hub.topics == frozenset()
    await asyncio.sleep(0.3)
    before = reads(client)
    publish(publisher, numbered(2))
    await asyncio.sleep(0.3)
    assert reads(client) == before
    second.subscribe(TOPIC)
    await second.until_document(TOPIC, numbered(2))
    await second.leave()
    assert (hub.topics, hub.sockets) == (frozenset(), 0)


async def test_a_new_epoch_brings_a_snapshot(client: redis.Redis, publisher: Publisher, subscriber: Subscriber) -> None:
    publish(publisher, numbered(1))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(1))
    successor = Publisher(client)
    epoch = successor.begin(TOPIC)
    publish(successor, numbered(2))
    await subscriber.until_document(TOPIC, numbered(2))
    assert subscriber.mirror.positions[TOPIC] == (epoch, 1)
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot", "snapshot"]


async def test_a_frame_nobody_can_read_is_passed_with_the_next_newer_state(
    client: redis.Redis, publisher: Publisher, subscriber: Subscriber
) -> None:
    """Until there is one, nobody is sent the old state again and again, and time does not go back."""
    epoch = publisher.begin(TOPIC)
    publish(publisher, numbered(1))
    older = client.get(state_key(TOPIC))
    assert isinstance(older, bytes)
    publish(publisher, numbered(2))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(2))
    client.set(state_key(TOPIC), older)
    client.xadd(frames_key(TOPIC), {FIELD: b"\xc1 garbage"}, id=f"{epoch}-3")
    before = reads(client)
    await asyncio.sleep(0.5)
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot"]
    assert reads(client) - before < 20
    successor = Publisher(client)
    publish(successor, numbered(3))
    await subscriber.until_document(TOPIC, numbered(3))
    publish(successor, numbered(4))
    await subscriber.until_document(TOPIC, numbered(4))
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot", "snapshot", "delta"]


async def test_a_lost_connection_alone_costs_nobody_a_snapshot(
    client: redis.Redis, publisher: Publisher, subscriber: Subscriber
) -> None:
    publish(publisher, numbered(0))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(0))
    for n in range(1, 4):
        client.client_kill_filter(_type="normal", skipme=True)
        publish(publisher, numbered(n))
        await subscriber.until_document(TOPIC, numbered(n))
    assert subscriber.mirror.kinds(TOPIC)[0] == "snapshot"


async def test_frames_lost_during_an_outage_are_made_good_by_a_snapshot(client: redis.Redis, redis_url: str) -> None:
    """The second connection waits until far more has happened than the stream keeps."""
    away = asyncio.Event()
    connections = 0

    def connect() -> redis.asyncio.Redis:
        nonlocal connections
        connections += 1
        if connections > 1 and not away.is_set():
            raise redis.ConnectionError("not yet")
        return redis.asyncio.Redis.from_url(redis_url)

    hub, publisher = Hub(connect), Publisher(client, frames_kept=1)
    subscriber = Subscriber(hub)
    publish(publisher, numbered(0))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(0))
    client.client_kill_filter(_type="normal", skipme=True)
    for n in range(1, 400):
        publish(publisher, numbered(n))
    away.set()
    await subscriber.until_document(TOPIC, numbered(399))
    publish(publisher, numbered(400))
    await subscriber.until_document(TOPIC, numbered(400))
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot", "snapshot", "delta"]
    await subscriber.leave()
    await hub.aclose()


async def test_a_restart_of_redis_is_survived_by_everybody(own_redis: EmbeddedRedis) -> None:
    hub = Hub(lambda: redis.asyncio.Redis.from_url(own_redis.url()))
    readers = [Subscriber(hub) for _ in range(3)]
    with redis.Redis.from_url(own_redis.url()) as client:
        publisher = Publisher(client)
        publish(publisher, numbered(1))
        for reader in readers:
            reader.subscribe(TOPIC)
            await reader.until_document(TOPIC, numbered(1))
        own_redis.stop()
        await asyncio.sleep(0.3)
        own_redis.start()
        started = time.monotonic()
        publish(publisher, numbered(2))
        await asyncio.gather(*(reader.until_document(TOPIC, numbered(2)) for reader in readers))
        assert time.monotonic() - started < 5
        publish(publisher, numbered(3))
        await asyncio.gather(*(reader.until_document(TOPIC, numbered(3)) for reader in readers))
    for reader in readers:
        await reader.leave()
    await hub.aclose()


async def test_a_projection_that_fails_ends_its_own_subscription_alone(publisher: Publisher, hub: Hub) -> None:
    def fragile(document: Document) -> Document:
        return {"inverse": 1 / (2 - document["n"])}

    good, bad = Subscriber(hub), Subscriber(hub)
    publish(publisher, numbered(1))
    good.subscribe(TOPIC)
    bad.subscribe(TOPIC, view_key="fragile", project=fragile)
    await asyncio.gather(good.until_document(TOPIC, numbered(1)), bad.until_document(TOPIC, {"inverse": 1.0}))
    publish(publisher, numbered(2))
    await good.until_document(TOPIC, numbered(2))
    await bad.until(lambda mirror: mirror.frames[-1]["type"] == "error")
    assert (bad.mirror.frames[-1]["code"], bad.mirror.frames[-1]["topic"]) == ("internal", TOPIC)
    publish(publisher, numbered(3))
    await good.until_document(TOPIC, numbered(3))
    assert bad.mirror.kinds(TOPIC) == ["snapshot"]
    await bad.leave()
    assert hub.topics == {TOPIC}
    await good.leave()


async def test_a_view_that_cannot_be_encoded_closes_its_socket_instead_of_leaving_it_mute(
    publisher: Publisher, hub: Hub
) -> None:
    publish(publisher, numbered(1))
    bad = Subscriber(hub)
    bad.subscribe(TOPIC, view_key="objects", project=lambda document: {"n": object()})
    await eventually(lambda: bad.closed_with == 1011)
    await bad.leave()


async def test_a_view_that_cannot_be_had_leaves_the_old_one_in_place(
    publisher: Publisher, subscriber: Subscriber
) -> None:
    publish(publisher, numbered(1))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(1))
    with pytest.raises(KeyError):
        subscriber.subscribe(TOPIC, view_key="missing", project=lambda document: {"x": document["missing"]})
    publish(publisher, numbered(2))
    await subscriber.until_document(TOPIC, numbered(2))
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot", "delta"]


async def test_a_view_nobody_follows_any_more_is_not_projected(publisher: Publisher, subscriber: Subscriber) -> None:
    seen: list[int] = []

    def project(document: Document) -> Document:
        seen.append(document["n"])
        return document

    publish(publisher, numbered(1))
    subscriber.subscribe(TOPIC, view_key="old", project=project)
    await subscriber.until_document(TOPIC, numbered(1))
    subscriber.subscribe(TOPIC)
    publish(publisher, numbered(2))
    await subscriber.until_document(TOPIC, numbered(2))
    assert seen == [1]


async def test_a_client_that_reads_no_answers_is_closed_with_4408(hub: Hub, subscriber: Subscriber) -> None:
    subscriber.hold()
    for n in range(MAX_ANSWERS + 2):
        subscriber.outbox.answer(Ack(id=n, op="ping", ts_sent=0))
    subscriber.go_on()
    await eventually(lambda: subscriber.closed_with == 4408)


async def test_after_close_answers_are_sent_and_frames_are_not(publisher: Publisher, subscriber: Subscriber) -> None:
    publish(publisher, numbered(1))
    subscriber.subscribe(TOPIC)
    await subscriber.until_document(TOPIC, numbered(1))
    subscriber.outbox.slots[TOPIC].reset()
    subscriber.outbox.touch(TOPIC)
    subscriber.outbox.close(Close.TOO_MANY)
    subscriber.outbox.close(Close.DRAINING)
    subscriber.outbox.answer(Ack(id=1, op="ping", ts_sent=0))
    await eventually(lambda: subscriber.closed_with is not None)
    assert subscriber.closed_with == 4429
    assert subscriber.mirror.frames[-1]["type"] == "ack"
    assert subscriber.mirror.kinds(TOPIC) == ["snapshot"]


async def test_heartbeats_count_up(hub: Hub, subscriber: Subscriber) -> None:
    await subscriber.until(lambda mirror: len(mirror.frames) >= 3)
    beats = [frame["count"] for frame in subscriber.mirror.frames]
    assert beats == list(range(beats[0], beats[0] + len(beats)))
    assert {frame["type"] for frame in subscriber.mirror.frames} == {"heartbeat"}


async def test_one_reader_serves_all_subscribers_and_ends_with_the_last(publisher: Publisher, hub: Hub) -> None:
    publish(publisher, numbered(1))
    readers = [Subscriber(hub) for _ in range(20)]
    for reader in readers:
        reader.subscribe(TOPIC)
        await reader.until_document(TOPIC, numbered(1))
    assert [task.get_name() for task in asyncio.all_tasks()].count("hub reader") == 1
    for reader in readers:
        await reader.leave()
    await eventually(lambda: not any(task.get_name().startswith("hub") for task in asyncio.all_tasks()))


async def test_what_is_made_on_demand_is_announced_while_somebody_watches_and_nothing_else(
    client: redis.Redis, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.hub.ANNOUNCE_SECONDS", 0.05)
    subscriber.subscribe("m2m:7", announced=True)
    subscriber.subscribe(TOPIC)
    await eventually(lambda: watched(client, prefix="", now_ms=now_ms()) == ["m2m:7"])
    assert watched(client, prefix="chain:", now_ms=now_ms()) == []
    assert watched(client, prefix="m2m:", now_ms=now_ms() + BELIEVED_MS + 1_000) == []
    await eventually(lambda: watched(client, prefix="m2m:", now_ms=now_ms()) == ["m2m:7"])
