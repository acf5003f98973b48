"""The writing end: what it leaves in Redis is whole at every moment, and one publisher at a time writes."""

import copy
from typing import Any

import numpy as np
import pytest
import redis
import redis.asyncio

from streaming.domain.sequencing import Document, apply
from streaming.publisher import Fenced, Plain, Publication, Publisher
from streaming.state import (
    FIELD,
    FrameRecord,
    decode_frame,
    frames_key,
    read_state,
    read_states,
    read_states_async,
    state_key,
)
from tradingviz.quickstart.redis import EmbeddedRedis

TOPIC = "chain:NIFTY:2026-02-03"
HISTORY: list[Document] = [
    {"spot": 1.0, "strikes": {"100": {"iv": 0.1}, "200": {"iv": None}}},
    {"spot": 1.5, "strikes": {"100": {"iv": 0.1}, "200": {"iv": 0.2}}},
    {"spot": 1.5, "strikes": {"200": {"iv": 0.2}, "300": {"iv": 0.3}}},
]


def publish(publisher: Publisher, document: Document, ts_event: int = 1) -> int:
    return publisher.publish(TOPIC, document, ts_event=ts_event, convention="exact")


def frames(client: redis.Redis, topic: str = TOPIC) -> list[FrameRecord]:
    entries: Any = client.xrange(frames_key(topic))
    return [decode_frame(fields[FIELD]) for _, fields in entries]


def test_the_state_is_the_last_document_and_the_frames_lead_to_it(client: redis.Redis) -> None:
    publisher = Publisher(client, clock=lambda: 5000)
    held: Document = {}
    for seq, document in enumerate(HISTORY, 1):
        assert publish(publisher, document, ts_event=seq * 10) == seq
        state, last = read_state(client, TOPIC), frames(client)[-1]
        assert state is not None
        held = apply(held, last.delta)
        assert held == state.document == document
        assert (
            (state.epoch, state.seq, state.ts_event) == (last.epoch, last.seq, last.ts_event) == (5000, seq, seq * 10)
        )
    entries: Any = client.xrange(frames_key(TOPIC))
    assert [id_ for id_, _ in entries] == [b"5000-1", b"5000-2", b"5000-3"]


def test_what_did_not_change_is_not_written_but_a_later_event_time_is(client: redis.Redis) -> None:
    publisher = Publisher(client)
    assert publish(publisher, HISTORY[0], ts_event=1) == 1
    assert publish(publisher, copy.deepcopy(HISTORY[0]), ts_event=1) == 1
    assert publish(publisher, HISTORY[0], ts_event=2) == 2
    assert [frame.delta for frame in frames(client)][1:] == [{}]


def test_many_topics_and_one_topic_twice_go_in_one_call(client: redis.Redis, redis_url: str) -> None:
    publisher = Publisher(client)
    items = [Publication(f"t{n}", Plain({"n": n}), 1, "exact") for n in range(40)]
    again = Publication("t0", Plain({"n": 100}), 2, "exact")
    assert publisher.publish_many([*items, again]) == [2] + [1] * 39 + [2]
    states = read_states(client, [item.topic for item in items])
    assert [state.document["n"] for state in states if state] == [100, *range(1, 40)]
    assert [frame.seq for frame in frames(client, "t0")] == [1, 2]


async def test_asyncio_reads_the_same_states(client: redis.Redis, publisher: Publisher, redis_url: str) -> None:
    publish(publisher, HISTORY[0])
    async with redis.asyncio.Redis.from_url(redis_url) as reader:
        assert await read_states_async(reader, [TOPIC, "none"]) == read_states(client, [TOPIC, "none"])
        assert await read_states_async(reader, []) == []


def test_the_one_who_began_last_writes_and_the_other_is_refused(client: redis.Redis) -> None:
    old, new = Publisher(client, clock=lambda: 1000), Publisher(client, clock=lambda: 2000)
    publish(old, HISTORY[0])
    publish(new, HISTORY[1])
    before = client.get(state_key(TOPIC)), frames(client)
    for _ in range(2):
        with pytest.raises(Fenced) as caught:
            publish(old, HISTORY[2])
        assert caught.value.topic == TOPIC
    assert (client.get(state_key(TOPIC)), frames(client)) == before
    assert publish(new, HISTORY[2]) == 2


def test_a_refused_topic_does_not_hold_up_the_others_of_the_call(client: redis.Redis) -> None:
    old, new = Publisher(client, clock=lambda: 1000), Publisher(client, clock=lambda: 2000)
    old.publish_many([Publication(topic, Plain({"n": 1}), 1, "exact") for topic in "abc"])
    new.publish("b", {"n": 2}, ts_event=2, convention="exact")
    with pytest.raises(Fenced):
        old.publish_many([Publication(topic, Plain({"n": 3}), 3, "exact") for topic in "abc"])
    assert [state and state.document["n"] for state in read_states(client, ["a", "b", "c"])] == [3, 2, 3]


def test_beginning_again_takes_the_topic_over_even_where_the_clock_went_back(client: redis.Redis) -> None:
    ahead, behind = Publisher(client, clock=lambda: 9000), Publisher(client, clock=lambda: 10)
    publish(ahead, HISTORY[0])
    assert behind.begin(TOPIC) == 9001
    assert publish(behind, HISTORY[1]) == 1
    with pytest.raises(Fenced):
        publish(ahead, HISTORY[2])
    assert ahead.begin(TOPIC) == 9002
    assert publish(ahead, HISTORY[2]) == 1


def test_a_write_repeated_because_its_answer_was_lost_is_not_mistaken_for_a_rival(
    client: redis.Redis,
) -> None:
    publisher = Publisher(client)
    publish(publisher, HISTORY[0])
    record = publisher._advance(Publication(TOPIC, Plain(HISTORY[1]), 2, "exact"))
    assert record is not None
    assert publisher._write([record]) == publisher._write([record]) == {TOPIC: 1}
    assert publish(publisher, HISTORY[2]) == 3


@pytest.mark.parametrize(("document", "error"), [({"-": 1}, ValueError), ({"iv": np.float64(1)}, TypeError)])
def test_a_document_that_cannot_be_sent_is_refused_and_the_topic_begins_anew(
    client: redis.Redis, document: Document, error: type[Exception]
) -> None:
    publisher = Publisher(client, clock=lambda: 1000)
    publish(publisher, HISTORY[0])
    with pytest.raises(error):
        publish(publisher, document)
    assert publish(publisher, HISTORY[1]) == 1
    last = frames(client)[-1]
    assert (last.epoch, last.seq, last.delta) == (1001, 1, HISTORY[1])


def test_the_stream_of_frames_is_bounded_and_nothing_is_kept_for_ever(client: redis.Redis) -> None:
    publisher = Publisher(client, frames_kept=100, seconds_kept=60)
    for n in range(500):
        publish(publisher, {"n": n})
    assert 100 <= client.xlen(frames_key(TOPIC)) < 300
    assert 0 < client.ttl(frames_key(TOPIC)) <= 60
    assert 0 < client.ttl(state_key(TOPIC)) <= 60


def test_a_state_of_another_version_counts_as_none(client: redis.Redis) -> None:
    client.set(state_key(TOPIC), b"\x81\xa1v\x02")
    assert read_state(client, TOPIC) is None


def test_after_redis_lost_everything_a_new_epoch_begins_with_the_whole_document(
    own_redis: EmbeddedRedis,
) -> None:
    with redis.Redis.from_url(own_redis.url()) as client:
        publisher = Publisher(client)
        publish(publisher, HISTORY[0])
        own_redis.stop()
        with pytest.raises(redis.ConnectionError):
            publish(publisher, HISTORY[1])
        own_redis.start()
        assert publish(publisher, HISTORY[2]) == 1
        assert [frame.delta for frame in frames(client)] == [HISTORY[2]]
