"""The whole way: a publisher, Redis, the hub, an ASGI server, a socket, a client that checks every frame."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from streaming import hub
from streaming.domain.sequencing import Document
from streaming.protocol import MAX_SUBSCRIPTIONS
from streaming.publisher import Publisher
from tests.websocket.application import CHANNEL
from tests.websocket.client import client_of

TOPIC = "numbers:a"


def publish(publisher: Publisher, document: Document, topic: str = TOPIC) -> None:
    publisher.publish(topic, document, ts_event=17, convention="exact")


@pytest.fixture
def nothing_lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics are given up with their last socket."""
    monkeypatch.setattr(hub, "LINGER_SECONDS", 0.0)


async def test_ack_then_snapshot_then_deltas(server: str, publisher: Publisher) -> None:
    publish(publisher, {"n": 0, "rest": "same"})
    async with client_of(server) as client:
        ack = await client.subscribe("a")
        assert {key: ack[key] for key in ("type", "id", "op", "channel", "topic", "echo")} == {
            "type": "ack",
            "id": "a",
            "op": "subscribe",
            "channel": CHANNEL,
            "topic": TOPIC,
            "echo": {"name": "a"},
        }
        await client.until_document(TOPIC, {"n": 0, "rest": "same"})
        for n in range(1, 6):
            publish(publisher, {"n": n, "rest": "same"})
            await client.until_document(TOPIC, {"n": n, "rest": "same"})
        assert client.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 5
        last = client.mirror.frames[-1]
        assert (last["channel"], last["ts_event"], last["convention"]) == (CHANNEL, 17, "exact")
        assert last["data"] == {"n": 5}


async def test_daphne_serves_the_same(daphne: str, publisher: Publisher) -> None:
    publish(publisher, {"n": 0})
    async with client_of(daphne) as client, client_of(daphne) as other:
        for each in (client, other):
            await each.subscribe("a")
            await each.until_document(TOPIC, {"n": 0})
        for n in range(1, 20):
            publish(publisher, {"n": n})
        for each in (client, other):
            await each.until_document(TOPIC, {"n": 19})
    async with client_of(daphne, token="stranger") as stranger:
        assert await stranger.closed_with() == 4401


async def test_who_is_not_known_is_closed_with_4401_and_gets_nothing(server: str) -> None:
    async with client_of(server, token="stranger") as client:
        with suppress(ConnectionClosed):
            await client.send(op="ping", id=1)
        assert await client.closed_with() == 4401
        assert client.mirror.frames == []
        assert hub.current().sockets == 0


async def test_a_socket_ends_with_its_token(server: str, publisher: Publisher) -> None:
    publish(publisher, {"n": 0})
    async with client_of(server, token="brief") as client:
        await client.subscribe("a")
        assert await client.closed_with() == 4401
        assert client.mirror.documents[TOPIC] == {"n": 0}


async def test_ping_is_answered_under_its_id(server: str) -> None:
    async with client_of(server) as client:
        assert (await client.ask(op="ping", id="x"))["id"] == "x"


async def test_after_unsubscribe_nothing_of_the_topic_arrives(server: str, publisher: Publisher) -> None:
    publish(publisher, {"n": 0})
    async with client_of(server) as client:
        await client.subscribe("a")
        await client.until_document(TOPIC, {"n": 0})
        ack = await client.ask(op="unsubscribe", id=2, topic=TOPIC)
        assert (ack["type"], ack["id"], ack["topic"]) == ("ack", 2, TOPIC)
        before = len(client.mirror.frames)
        publish(publisher, {"n": 1})
        await asyncio.sleep(0.2)
        await client.ask(op="ping", id=3)
        assert [frame["id"] for frame in client.mirror.frames[before:]] == [3]
        again = await client.ask(op="unsubscribe", id=4, topic=TOPIC)
        assert (again["type"], again["code"], again["id"]) == ("error", "not_subscribed", 4)


async def test_subscribing_again_changes_the_view(server: str, publisher: Publisher) -> None:
    publish(publisher, {"x": 1, "y": 2})
    async with client_of(server) as client:
        await client.subscribe("a", keys=["x"])
        await client.until_document(TOPIC, {"x": 1})
        await client.subscribe("a", keys=["y"])
        await client.until_document(TOPIC, {"y": 2})
        publish(publisher, {"x": 3, "y": 4})
        await client.until_document(TOPIC, {"y": 4})
        assert client.mirror.kinds(TOPIC) == ["snapshot", "snapshot", "delta"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"channel": "nonsense"}, "unknown_channel"),
        ({"channel": CHANNEL, "name": "forbidden"}, "forbidden"),
        ({"channel": CHANNEL, "name": 5}, "invalid_request"),
        ({"channel": CHANNEL, "name": "broken"}, "internal"),
        ({"channel": CHANNEL, "name": "a", "format": "xml"}, "invalid_request"),
        ({"channel": CHANNEL, "name": "a", "interval_ms": 249}, "invalid_request"),
    ],
)
async def test_a_request_that_cannot_be_met_says_why_and_the_socket_stays(
    server: str, request_: dict[str, Any], code: str
) -> None:
    async with client_of(server) as client:
        for _ in range(4):
            answer = await client.ask(op="subscribe", id=9, **request_)
            assert (answer["type"], answer["code"], answer["id"]) == ("error", code, 9)
        assert (await client.ask(op="ping", id=1))["type"] == "ack"


async def test_three_bad_frames_close_with_4400_and_each_is_answered(server: str) -> None:
    async with client_of(server) as client:
        await client.send_raw("{")
        await client.send_raw(b"binary")
        assert (await client.until_type("error"))["code"] == "bad_frame"
        assert (await client.until_type("error"))["code"] == "bad_frame"
        assert (await client.ask(op="ping", id=1))["type"] == "ack"
        await client.send_raw('{"op":"dance","id":3}')
        assert await client.closed_with() == 4400
        assert [frame["id"] for frame in client.mirror.frames] == [None, None, 1, 3]


async def test_more_than_twenty_messages_a_second_close_with_4429(server: str) -> None:
    async with client_of(server) as client:
        for n in range(21):
            await client.send(op="ping", id=n)
        assert await client.closed_with() == 4429
        assert [frame["id"] for frame in client.mirror.frames] == list(range(20))


async def test_a_socket_has_a_bounded_number_of_subscriptions(server: str) -> None:
    async with client_of(server) as client:
        for n in range(MAX_SUBSCRIPTIONS):
            assert (await client.subscribe(f"t{n}"))["type"] == "ack"
            await asyncio.sleep(0.06)  # three without a pause after these must be within 20 a second, too
        assert (await client.subscribe("one more"))["code"] == "too_many_subscriptions"
        assert (await client.subscribe("t0"))["type"] == "ack"


@pytest.mark.usefixtures("nothing_lingers")
async def test_a_client_that_vanishes_is_forgotten(server: str, publisher: Publisher) -> None:
    publish(publisher, {"n": 0})
    async with client_of(server) as client:
        await client.subscribe("a")
        await client.until_document(TOPIC, {"n": 0})
        assert (hub.current().sockets, hub.current().topics) == (1, frozenset({TOPIC}))
        client.abort()
        for _ in range(100):
            if not hub.current().sockets:
                break
            publish(publisher, {"n": _})
            await asyncio.sleep(0.02)
        assert (hub.current().sockets, hub.current().topics) == (0, frozenset())


async def test_a_client_that_does_not_read_misses_frames_but_no_state(server: str, publisher: Publisher) -> None:
    """Its frames back up through the kernel's buffers to the outbox; the other client never notices."""
    document = {str(n): "x" * 100 for n in range(4000)}
    publish(publisher, document)
    options: dict[str, Any] = {"max_queue": 1, "max_size": None, "compression": None}
    async with client_of(server, **options) as slow, client_of(server, **options) as quick:
        for each in (slow, quick):
            await each.subscribe("a")
            await each.until_document(TOPIC, document)
        for round_ in range(60):
            document = dict.fromkeys(document, f"{round_}" + "x" * 100)
            publish(publisher, document)
            await quick.until_document(TOPIC, document)
        await slow.until_document(TOPIC, document)
        assert quick.mirror.kinds(TOPIC) == ["snapshot"] + ["delta"] * 60
        assert slow.mirror.kinds(TOPIC).count("snapshot") > 1
        assert len(slow.mirror.kinds(TOPIC)) < 60
        publish(publisher, {})
        await slow.until_document(TOPIC, {})
        assert slow.mirror.kinds(TOPIC)[-1] == "delta"


@pytest.mark.usefixtures("nothing_lingers")
async def test_a_storm_of_comings_and_goings_leaves_nothing_behind(server: str, publisher: Publisher) -> None:
    async def visit(n: int) -> None:
        async with client_of(server) as client:
            await client.subscribe(f"t{n % 3}")
            await client.until_document(f"numbers:t{n % 3}", {"n": n % 3})
            if n % 2:
                client.abort()

    for topic in range(3):
        publish(publisher, {"n": topic}, f"numbers:t{topic}")
    for _ in range(5):
        await asyncio.gather(*(visit(n) for n in range(20)))
    for _ in range(100):
        if not hub.current().sockets:
            break
        await asyncio.sleep(0.02)
    assert (hub.current().sockets, hub.current().topics) == (0, frozenset())


async def test_requests_of_one_client_are_answered_in_order(server: str) -> None:
    async with client_of(server) as client:
        for n in range(10):
            await client.send(op="ping", id=n)
        answered = [(await client.until_type("ack"))["id"] for _ in range(10)]
        assert answered == list(range(10))
