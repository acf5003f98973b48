"""A label that comes to mean another topic is followed there; who leaves is gone there, too."""

from collections.abc import Iterator

import pytest

from streaming.publisher import Publisher
from tests.client.application import Meddler
from tests.client.following import eventually
from tests.websocket.labels import CHANNEL, A, B, C, Labels, offered
from tradingviz_client import Client
from tradingviz_client.frames import Ack
from tradingviz_client.subscription import DISCONNECTED, Staleness, Subscription


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch, publisher: Publisher) -> Iterator[Labels]:
    """Labels `near` and `next`."""
    with offered(monkeypatch, publisher) as found:
        yield found


async def test_a_label_is_followed_to_its_new_topic_and_left_there(
    server: str, meddler: Meddler, labels: Labels, publisher: Publisher
) -> None:
    async with Client(server, token="guest") as client:
        updates = client.follow(CHANNEL, label="near")
        assert (await anext(updates)).topic == A
        for topic in (B, C):
            labels.meaning["near"] = topic
            update = await anext(updates)
            assert (update.topic, update.document["n"], update.stale) == (topic, "abc".index(topic[-1]), None)
            publisher.publish(topic, {"n": 9}, ts_event=18, convention="exact")
            assert (await anext(updates)).document == {"n": 9}
        await updates.aclose()
        await eventually(lambda: meddler.operations() == ["subscribe", "unsubscribe"])
        assert meddler.asked[-1]["topic"] == C


def test_what_was_said_of_the_topic_that_was_left_is_over() -> None:
    told: list[tuple[str, str, str]] = []
    subscription = Subscription(
        {},
        lambda topic, why: told.append(("stale", topic, why.reason)),
        lambda topic, why: told.append(("recovered", topic, why.reason)),
    )
    subscription.answered(Ack(id=1, op="subscribe", topic=A))
    subscription.stale(Staleness("feed_silent", 1))
    subscription.answered(Ack(id=1, op="subscribe", topic=B))
    subscription.stale(Staleness(DISCONNECTED, 3))
    subscription.answered(Ack(id=1, op="subscribe", topic=C))
    assert told == [("stale", A, "feed_silent"), ("recovered", A, "feed_silent"), ("stale", B, DISCONNECTED)]
