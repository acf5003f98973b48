"""The hand-over of ticks: nothing is lost between a batch's arrival and its acknowledgement."""

import threading
from collections.abc import Iterator

import pytest
import redis

from streaming.ticker.codec import MalformedBatch, TickRow, decode
from streaming.ticker.stream import FIELD, GROUP, NobodyReads, TickEntry, TickProducer, TickReader, stream_key
from tradingviz.quickstart.redis import EmbeddedRedis

KEY = stream_key(0)


def batch(n: int) -> list[TickRow]:
    return [(n, 1000 + n, 1.0, None, None, None, None, None, None, None)]


def tokens(entries: list[TickEntry]) -> list[int]:
    return [int(decode(entry.payload).token[0]) for entry in entries]


@pytest.fixture
def producer(client: redis.Redis) -> TickProducer:
    return TickProducer(client)


@pytest.fixture
def reader(redis_url: str) -> Iterator[TickReader]:
    with redis.Redis.from_url(redis_url) as own:
        yield TickReader(own)


def test_batches_come_in_order_and_are_gone_once_acknowledged(producer: TickProducer, reader: TickReader) -> None:
    for n in range(5):
        producer.send(batch(n))
    assert reader.read(count=3) == [], "the first read makes the group"
    entries = reader.read(count=3)
    assert tokens(entries) == [0, 1, 2]
    assert (reader.lag(), reader.pending(), producer.backlog()) == (2, 3, 5)
    reader.ack(entries)
    assert (reader.lag(), reader.pending(), producer.backlog()) == (2, 0, 2)
    reader.ack(reader.read(count=3))
    assert (reader.read(block_ms=1), producer.backlog()) == ([], 0)


def test_counts_are_right_before_anybody_reads(producer: TickProducer, reader: TickReader) -> None:
    producer.send(batch(1))
    assert (reader.lag(), reader.pending()) == (1, 0)


def test_after_a_restart_what_was_not_acknowledged_comes_first(
    producer: TickProducer, reader: TickReader, redis_url: str
) -> None:
    reader.ensure_group()
    for n in range(6):
        producer.send(batch(n))
    first = reader.read(count=4)
    reader.ack(first[:1])
    with redis.Redis.from_url(redis_url) as own:
        restarted = TickReader(own)
        assert tokens(restarted.read(count=2)) == [1, 2]
        assert tokens(restarted.read(count=2)) == [3]
        assert tokens(restarted.read(count=2)) == [4, 5]


def test_a_batch_trimmed_while_it_was_pending_is_counted_and_let_go(
    client: redis.Redis, producer: TickProducer, reader: TickReader, redis_url: str
) -> None:
    reader.ensure_group()
    for n in range(3):
        producer.send(batch(n))
    lost = reader.read(count=2)[0]
    client.xdel(KEY, lost.id)
    with redis.Redis.from_url(redis_url) as own:
        restarted = TickReader(own)
        assert tokens(restarted.read()) == [1]
        assert (restarted.lost, restarted.pending()) == (1, 1)


def test_an_entry_of_another_shape_is_handed_on_as_malformed(client: redis.Redis, reader: TickReader) -> None:
    reader.ensure_group()
    client.xadd(KEY, {"something": "else"})
    (entry,) = reader.read()
    with pytest.raises(MalformedBatch):
        decode(entry.payload)
    reader.ack([entry])
    assert reader.pending() == 0


def test_the_reader_goes_on_when_redis_has_lost_its_data(
    client: redis.Redis, producer: TickProducer, reader: TickReader
) -> None:
    reader.ensure_group()
    client.flushall()
    producer.send(batch(7))
    assert reader.read() == []
    assert tokens(reader.read()) == [7]


def test_a_lost_connection_repeats_what_was_not_acknowledged(
    client: redis.Redis, producer: TickProducer, reader: TickReader
) -> None:
    """Whether Redis handed out more before the connection broke, the reader cannot know: it asks again."""
    reader.ensure_group()
    producer.send(batch(1))
    producer.send(batch(2))
    entries = reader.read()
    killer = threading.Timer(0.2, lambda: client.client_kill_filter(_type="normal", skipme=True))
    killer.start()
    with pytest.raises(redis.ConnectionError):
        reader.read(block_ms=10_000)
    killer.join()
    again = reader.read()
    assert again == entries
    reader.ack(again)
    producer.send(batch(3))
    assert tokens(reader.read()) == [3]


def test_a_reader_outlives_a_restart_of_redis(own_redis: EmbeddedRedis) -> None:
    with redis.Redis.from_url(own_redis.url()) as mine, redis.Redis.from_url(own_redis.url()) as other:
        reader = TickReader(mine)
        reader.ensure_group()
        own_redis.stop()
        with pytest.raises(redis.ConnectionError):
            reader.read()
        own_redis.start()
        TickProducer(other).send(batch(3))
        assert reader.read() == []
        assert tokens(reader.read()) == [3]


def test_a_fast_producer_waits_for_a_slow_reader_and_nothing_is_trimmed(
    client: redis.Redis, redis_url: str, reader: TickReader
) -> None:
    """Ten times as many batches as the stream may keep."""
    total = 1000
    seen: list[int] = []
    producer = TickProducer(client, keep=100, max_backlog=20, patience=20)
    reader.ensure_group()

    def consume() -> None:
        while len(seen) < total:
            entries = reader.read(count=7, block_ms=100)
            seen.extend(tokens(entries))
            reader.ack(entries)

    thread = threading.Thread(target=consume)
    thread.start()
    for n in range(total):
        producer.send(batch(n))
        assert n % 50 or producer.backlog() <= 20
    producer.wait_until_taken()
    thread.join(timeout=20)
    assert seen == list(range(total))


def test_a_producer_nobody_reads_from_says_so(client: redis.Redis) -> None:
    waited: list[float] = []
    producer = TickProducer(client, max_backlog=2, patience=1.0, sleep=waited.append)
    producer.send(batch(1))
    producer.send(batch(2))
    with pytest.raises(NobodyReads, match="2 batches wait on ticks:0"):
        producer.send(batch(3))
    with pytest.raises(NobodyReads):
        producer.wait_until_taken()
    assert producer.backlog() == 2
    assert sum(waited) == pytest.approx(2.0, abs=0.1)


def test_shards_are_streams_of_their_own(client: redis.Redis) -> None:
    TickProducer(client, shard=3).send(batch(1))
    assert (client.xlen("ticks:3"), client.exists(KEY)) == (1, 0)


def test_the_names_are_those_of_the_contract(client: redis.Redis, producer: TickProducer, reader: TickReader) -> None:
    reader.ensure_group()
    producer.send(batch(1))
    assert (KEY, FIELD, GROUP) == ("ticks:0", b"b", "ingest")
    assert client.xinfo_groups("ticks:0")[0]["name"] == b"ingest"
