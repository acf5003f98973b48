"""Labels that come to mean another topic: the subscription goes on there, whatever happens meanwhile."""

import asyncio
from collections.abc import Iterator

import pytest

from streaming.publisher import Publisher
from tests.websocket.client import Client, client_of
from tests.websocket.labels import CHANNEL, A, B, C, Labels, offered


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch, publisher: Publisher) -> Iterator[Labels]:
    """Labels `near` and `next`."""
    with offered(monkeypatch, publisher) as found:
        yield found


async def follow(client: Client, label: str) -> str:
    """Subscribe to a label; return the topic it means, once its snapshot is there."""
    ack = await client.ask(op="subscribe", id=label, channel=CHANNEL, label=label)
    topic = str(ack["topic"])
    while topic not in client.mirror.documents:
        await client.frame()
    return topic


async def test_a_label_goes_on_in_its_new_topic_under_the_same_id(
    server: str, labels: Labels, publisher: Publisher
) -> None:
    async with client_of(server) as client:
        assert await follow(client, "near") == A
        labels.meaning["near"] = B
        ack = await client.until_type("ack")
        assert (ack["id"], ack["topic"]) == ("near", B)
        for n in (7, 8):
            publisher.publish(A, {"n": n}, ts_event=17, convention="exact")
            publisher.publish(B, {"n": n}, ts_event=17, convention="exact")
            await client.until_document(B, {"n": n})
        assert client.mirror.kinds(A) == ["snapshot"]


async def test_a_look_up_that_fails_right_after_the_move_loses_nothing(
    server: str, labels: Labels, publisher: Publisher
) -> None:
    async with client_of(server) as client:
        await follow(client, "near")
        labels.meaning["near"], labels.looked_up, labels.fails_after = B, 0, 1
        assert (await client.until_type("ack", "error"))["topic"] == B
        publisher.publish(B, {"n": 9}, ts_event=17, convention="exact")
        await client.until_document(B, {"n": 9})


async def test_a_look_up_that_fails_leaves_the_old_topic_until_one_succeeds(server: str, labels: Labels) -> None:
    async with client_of(server) as client:
        await follow(client, "near")
        labels.meaning["near"], labels.looked_up, labels.fails_after = B, 0, 0
        while labels.looked_up < 2:
            await client.sleep(0.05)
        labels.fails_after = None
        assert (await client.until_type("ack"))["topic"] == B


async def test_who_leaves_while_the_label_is_looked_up_is_not_brought_back(server: str, labels: Labels) -> None:
    async with client_of(server) as client:
        await follow(client, "near")
        labels.meaning["near"], labels.looked_up, labels.waits = B, 0, asyncio.Event()
        while not labels.looked_up:
            await client.sleep(0.02)
        assert (await client.ask(op="unsubscribe", id=3, topic=A))["op"] == "unsubscribe"
        labels.waits.set()
        await client.sleep(1.0)
        assert (await client.ask(op="ping", id=4))["op"] == "ping"
        assert B not in client.mirror.documents


@pytest.mark.parametrize("first", ["near", "next"])
async def test_labels_that_move_on_make_way_for_each_other(
    server: str, labels: Labels, publisher: Publisher, first: str
) -> None:
    async with client_of(server) as client:
        await follow(client, first)
        await client.sleep(0.15)  # they are looked at one after the other
        await follow(client, "next" if first == "near" else "near")
        labels.meaning.update(near=B, next=C)
        acks = [await client.until_type("ack") for _ in range(2)]
        assert {(ack["id"], ack["topic"]) for ack in acks} == {("near", B), ("next", C)}
        for topic in (B, C):
            publisher.publish(topic, {"n": 5}, ts_event=17, convention="exact")
            await client.until_document(topic, {"n": 5})


async def test_a_label_waits_where_the_other_has_not_moved_on(server: str, labels: Labels) -> None:
    async with client_of(server) as client:
        await follow(client, "near")
        await follow(client, "next")
        labels.meaning["near"] = B
        await client.sleep(1.0)
        labels.meaning["next"] = C
        acks = [await client.until_type("ack") for _ in range(2)]
        assert [(ack["id"], ack["topic"]) for ack in acks] == [("next", C), ("near", B)]
