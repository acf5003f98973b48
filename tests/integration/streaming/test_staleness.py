"""Who follows a market hears that it fell silent, and that it speaks again; nobody hears it twice."""

import asyncio
from collections.abc import Collection, Iterator, Mapping

import pytest

from streaming import freshness, hub
from streaming.hub import Hub
from streaming.protocol import Reason
from streaming.publisher import Publisher
from tests.integration.streaming.subscriber import Subscriber

TOPIC = "chain:NIFTY:2026-02-03"


class Judge:
    """Says what it is told to say."""

    def __init__(self) -> None:
        self.stale: dict[str, Reason] = {}
        self.asked: list[set[str]] = []

    async def __call__(self, markets: Collection[str]) -> Mapping[str, Reason]:
        """Return the stale ones of some markets."""
        self.asked.append(set(markets))
        return {market: reason for market, reason in self.stale.items() if market in markets}


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    """A judge in place of the market's, asked often."""
    found, before = Judge(), freshness.registered()
    monkeypatch.setattr(hub, "WATCH_SECONDS", 0.02)
    freshness.register(found)
    yield found
    freshness.register(before)


def told(subscriber: Subscriber) -> list[tuple[str, str]]:
    """Return what a subscriber was told about its topics' age."""
    frames = subscriber.mirror.frames
    return [(frame["type"], frame["reason"]) for frame in frames if frame["type"] in ("stale", "recovered")]


async def until_told(subscriber: Subscriber, count: int) -> None:
    """Wait until a subscriber was told so many things."""
    await subscriber.until(lambda mirror: len(told(subscriber)) >= count)


async def test_silence_and_its_end_are_told_once(judge: Judge, publisher: Publisher, subscriber: Subscriber) -> None:
    publisher.publish(TOPIC, {"n": 1}, ts_event=17, convention="exact")
    subscriber.subscribe(TOPIC, market="NIFTY")
    await subscriber.until_document(TOPIC, {"n": 1})
    judge.stale = {"NIFTY": "feed_silent"}
    await until_told(subscriber, 1)
    await asyncio.sleep(0.2)
    judge.stale = {}
    await until_told(subscriber, 2)
    await asyncio.sleep(0.2)
    assert told(subscriber) == [("stale", "feed_silent"), ("recovered", "feed_silent")]
    stale = next(frame for frame in subscriber.mirror.frames if frame["type"] == "stale")
    assert (stale["topic"], stale["ts_event"]) == (TOPIC, 17)


async def test_a_market_that_fell_silent_before_its_close_does_not_recover_by_closing(
    judge: Judge, publisher: Publisher, subscriber: Subscriber
) -> None:
    for topic, market in ((TOPIC, "NIFTY"), ("chain:SENSEX:x", "SENSEX")):
        publisher.publish(topic, {"n": 1}, ts_event=17, convention="exact")
        subscriber.subscribe(topic, market=market)
        await subscriber.until_document(topic, {"n": 1})
    judge.stale = {"NIFTY": "feed_silent"}
    await until_told(subscriber, 1)
    judge.stale = {"NIFTY": "market_closed"}
    await until_told(subscriber, 2)
    await asyncio.sleep(0.1)
    judge.stale = {}
    await until_told(subscriber, 3)
    assert told(subscriber) == [("stale", "feed_silent"), ("stale", "market_closed"), ("recovered", "market_closed")]
    assert {frame["topic"] for frame in subscriber.mirror.frames if frame["type"] == "stale"} == {TOPIC}


@pytest.mark.parametrize("stays", [False, True])
async def test_silence_that_ended_while_nobody_listened_is_not_told(
    judge: Judge, publisher: Publisher, subscriber: Subscriber, hub: Hub, stays: bool
) -> None:
    """Whether somebody else stayed, with another topic, or the last one left."""
    publisher.publish(TOPIC, {"n": 1}, ts_event=17, convention="exact")
    judge.stale = {"NIFTY": "feed_silent"}
    subscriber.subscribe(TOPIC, market="NIFTY")
    await until_told(subscriber, 1)
    other = Subscriber(hub)
    await (subscriber if stays else other).leave()
    if not stays:
        await subscriber.leave()
    await asyncio.sleep(0.1)
    judge.stale = {}
    late = Subscriber(hub)
    late.subscribe(TOPIC, market="NIFTY")
    await late.until_document(TOPIC, {"n": 1})
    await asyncio.sleep(0.1)
    assert told(late) == []
    await late.leave()
    await other.leave()


async def test_who_comes_while_it_is_silent_is_told_after_the_snapshot(
    judge: Judge, publisher: Publisher, subscriber: Subscriber, hub: Hub
) -> None:
    publisher.publish(TOPIC, {"n": 1}, ts_event=17, convention="exact")
    judge.stale = {"NIFTY": "feed_silent"}
    subscriber.subscribe(TOPIC, market="NIFTY")
    await subscriber.until_document(TOPIC, {"n": 1})
    await until_told(subscriber, 1)
    late = Subscriber(hub)
    late.subscribe(TOPIC, market="NIFTY")
    await until_told(late, 1)
    await late.until_document(TOPIC, {"n": 1})
    assert [frame["type"] for frame in late.mirror.frames if frame["type"] != "heartbeat"] == ["snapshot", "stale"]
    assert len(told(subscriber)) == 1
    await late.leave()


async def test_another_market_and_what_has_none_is_left_in_peace(
    judge: Judge, publisher: Publisher, subscriber: Subscriber
) -> None:
    for topic, market in ((TOPIC, "NIFTY"), ("chain:SENSEX:x", "SENSEX"), ("m2m:7", None)):
        publisher.publish(topic, {"n": 1}, ts_event=17, convention="exact")
        subscriber.subscribe(topic, market=market)
        await subscriber.until_document(topic, {"n": 1})
    judge.stale = {"SENSEX": "feed_silent"}
    await until_told(subscriber, 1)
    await asyncio.sleep(0.1)
    assert [frame["topic"] for frame in subscriber.mirror.frames if frame["type"] == "stale"] == ["chain:SENSEX:x"]
    assert judge.asked[-1] == {"NIFTY", "SENSEX"}


async def test_a_judge_that_fails_changes_nothing(judge: Judge, publisher: Publisher, subscriber: Subscriber) -> None:
    publisher.publish(TOPIC, {"n": 1}, ts_event=17, convention="exact")
    subscriber.subscribe(TOPIC, market="NIFTY")
    await subscriber.until_document(TOPIC, {"n": 1})

    async def fail(markets: Collection[str]) -> Mapping[str, Reason]:
        raise RuntimeError("cannot say")

    freshness.register(fail)
    await asyncio.sleep(0.1)
    freshness.register(judge)
    judge.stale = {"NIFTY": "feed_silent"}
    await until_told(subscriber, 1)
