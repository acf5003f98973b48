"""The bridge with a real Redis and PostgreSQL: messages in, ticks on the stream, bars in the database."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
import redis
from django.db import OperationalError, connections

from fo_analytics.domain.calendar import MINUTE_MS, to_ms
from fo_analytics.models import Bar, ChainMetric, Instrument, MasterImport, OfficialClose, RollupDue, Underlying
from fo_analytics.replay.recording import ContractKey, RecordedTick
from fo_analytics.services import bridge as module
from fo_analytics.services.bridge import Bridge, make_bridge
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.topics import depth_topic
from streaming.state import read_state
from streaming.ticker.codec import decode
from streaming.ticker.stream import FIELD, TickProducer, TickReader, shard_of, stream_key
from tests.integration.ingest import pipeline
from tests.integration.ingest.simulated import simulated_nifty
from tests.rig.data import REPOSITORY
from tradingviz.core.redis import sync_client
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.processes import wait_until
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_redis

TEN = to_ms(datetime(2026, 2, 2, 4, 30, tzinfo=UTC))  # 10:00 IST on a Monday
CALL = ContractKey("NIFTY", "CE", date(2026, 2, 24), 25_000.0)
OPTIONS, UNDERLYING = "ticker:nifty:options", "ticker:nifty:underlying"

Message = dict[str, Any]


def message(ts: int = TEN, **changes: Any) -> Message:
    """Return an option's message."""
    return {
        "symbol": "NIFTY", "token": 1, "tradingsymbol": "NIFTY26FEB25000CE", "strike": 25_000, "expiry": "24FEB26",
        "type": "CE", "price": 100.0, "volume": 650, "oi": 6500, "ts": ts, **changes,
    }  # fmt: skip


def as_message(tick: RecordedTick) -> tuple[str, Message]:
    """Return a tick as the earlier ticker service publishes it."""
    if tick.key.expiry is None:
        return UNDERLYING, {"symbol": "NIFTY 50", "close": tick.last, "timestamp": tick.ts / 1000, "volume": 12}
    depth = {
        "buy": [{"price": tick.bid, "quantity": tick.bid_qty, "orders": 1}, {"price": 0, "quantity": 0, "orders": 0}],
        "sell": [{"price": tick.ask, "quantity": tick.ask_qty, "orders": 1}],
    }
    side = {"CE": "CALL", "PE": "PUT"}[tick.key.kind]
    changes = {"strike": str(tick.key.strike), "expiry": tick.key.expiry.isoformat(), "type": side, "depth": depth}
    return OPTIONS, message(tick.ts, price=tick.last, volume=tick.volume, oi=tick.oi, **changes)


def publish(channel: str, *messages: Message | bytes, client: redis.Redis | None = None) -> None:
    """Publish messages to whoever listens: somebody does."""
    client = client or sync_client()
    for one in messages:
        assert client.publish(channel, one if isinstance(one, bytes) else json.dumps(one)) > 0


def listen(bridge: Bridge, client: redis.Redis | None = None) -> None:
    """Let the bridge work until it has subscribed."""
    client = client or sync_client()

    def subscribed() -> bool:
        bridge.work()
        return client.pubsub_numpat() == 2

    assert wait_until(subscribed, seconds=20, pause=0.0)


def settle(bridge: Bridge) -> None:
    """Let the bridge take everything that was published, and flush where it can."""
    idle = 0
    while idle < 4:
        before = progress(bridge)
        bridge.work()
        idle = idle + 1 if progress(bridge) == before else 0


def progress(bridge: Bridge) -> tuple[int, int, int]:
    """Return what moves while there is something to do: a full stream is met again and again."""
    refused = {kind: count for kind, count in bridge.counts.items() if kind != "nobody_reads"}
    return bridge.sent, bridge.unsent, sum(refused.values())


def on_stream(shard: int = 0, client: redis.Redis | None = None) -> list[tuple[int, float]]:
    """Return token and price of the ticks on a stream."""
    entries: Any = (client or sync_client()).xrange(stream_key(shard))
    batches = [decode(fields[FIELD]) for _, fields in entries]
    return [(int(token), float(last)) for batch in batches for token, last in zip(batch.token, batch.last, strict=True)]


@pytest.fixture
def bridge(transactional_db: None, redis_url: str) -> Iterator[Bridge]:
    """A bridge that listens."""
    made = make_bridge()
    listen(made)
    yield made
    made.close()


def test_published_messages_become_the_same_bars_as_the_same_ticks_on_the_stream(bridge: Bridge) -> None:
    snapshots = [simulated_nifty(TEN + n * 20_000) for n in range(1, 13)]
    for _, ticks in snapshots:
        for tick in ticks:
            channel, body = as_message(tick)
            publish(channel, body)
    settle(bridge)
    pipeline.drain()
    bridged = pipeline.checksums()
    assert bridge.sent == sum(len(ticks) for _, ticks in snapshots)
    assert bridge.counts == {}
    assert Bar.objects.count() > 200
    for model in (Bar, ChainMetric, RollupDue, OfficialClose):
        model.objects.all().delete()
    sync_client().flushall()
    pipeline.send(snapshots)
    pipeline.drain()
    assert pipeline.checksums() == bridged


def test_the_levels_of_a_message_are_live(bridge: Bridge) -> None:
    levels = [{"price": 99.9, "quantity": 65, "orders": 1}, {"price": 99.8, "quantity": 130, "orders": 2}]
    publish(OPTIONS, message(depth={"buy": levels, "sell": []}))
    settle(bridge)
    pipeline.drain()
    state = read_state(sync_client(), depth_topic("NIFTY", str(CALL.expiry)))
    assert state is not None
    book = state.document["contracts"]["25000"]["call"]
    assert (book["bids"], book["asks"]) == ([[99.9, 65, 1], [99.8, 130, 2]], [])


def test_the_master_names_the_token_whatever_the_sender_says(bridge: Bridge) -> None:
    token = ensure_instruments(keys=[CALL], seen_on=date(2026, 2, 2))[CALL]
    publish(OPTIONS, message(token=token, price=1.0), message(token=99, price=2.0), message(token=None, price=3.0))
    settle(bridge)
    assert on_stream() == [(token, 1.0), (token, 2.0), (token, 3.0)]


def test_a_contract_the_master_lacks_is_added_where_the_lot_is_known_and_counted_elsewhere(bridge: Bridge) -> None:
    publish(OPTIONS, message(strike=26_000))
    publish("ticker:acme:options", message(symbol="ACME"), message(symbol="ACME"))
    publish(OPTIONS, message(expiry="2026-01-27"))  # expired before the tick
    publish("ticker:banknifty:underlying", {"symbol": "NSE:NIFTY BANK", "last_price": 60_000, "ts": TEN})
    settle(bridge)
    assert bridge.counts == {"unknown_contract": 3}
    assert set(Instrument.objects.values_list("underlying__symbol", "kind", "lot_size")) == {
        ("NIFTY", "CE", 65),
        ("BANKNIFTY", "SPOT", 1),
    }
    assert not Underlying.objects.filter(symbol="ACME").exists()
    assert {last for _, last in on_stream()} == {100.0, 60_000.0}


def test_an_import_that_moves_a_token_is_followed(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_AGAIN_SECONDS", 0.0)
    publish(OPTIONS, message())
    settle(bridge)
    Instrument.objects.update(token=4711)
    MasterImport.objects.create(as_of=date(2026, 2, 2), markets="NFO", added=0, changed=1, expired=0)
    publish(OPTIONS, message())
    settle(bridge)
    assert [token for token, _ in on_stream()][1] == 4711


def test_what_cannot_be_read_is_counted_by_kind_and_logged_once(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    publish(OPTIONS, b"{", b"[]", b"{", message(strike=None), message())
    settle(bridge)
    assert bridge.counts == {"malformed_json": 2, "malformed_object": 1, "malformed_strike": 1}
    assert len([record for record in caplog.records if record.name == module.__name__]) == 3
    assert len(on_stream()) == 1


def test_every_underlyings_ticks_go_to_its_shard(db: None, redis_url: str) -> None:
    bridge = Bridge(sync_client, shards=4)
    listen(bridge)
    publish(UNDERLYING, *({"symbol": name, "price": 1.0, "ts": TEN} for name in ("NIFTY", "BANKNIFTY", "SENSEX")))
    settle(bridge)
    tokens = dict(Instrument.objects.values_list("underlying__symbol", "token"))
    for shard in range(4):
        expected = {token for name, token in tokens.items() if shard_of(name, shards=4) == shard}
        assert {token for token, _ in on_stream(shard)} == expected
    bridge.close()


def test_with_a_full_backlog_the_newest_ticks_are_kept_until_somebody_reads(db: None, redis_url: str) -> None:
    bridge = Bridge(sync_client, shards=1, flush_seconds=0.0, max_backlog=1, max_unsent=3)
    listen(bridge)
    TickProducer(sync_client()).send([])
    publish(OPTIONS, *(message(TEN + n, price=float(n)) for n in range(1, 6)))
    settle(bridge)
    assert bridge.unsent == 3
    assert bridge.counts["too_many_unsent"] == 2
    assert bridge.counts["nobody_reads"] > 0
    reader = TickReader(sync_client())
    reader.ensure_group()
    reader.ack(reader.read())
    settle(bridge)
    assert [last for _, last in on_stream()] == [3.0, 4.0, 5.0]
    bridge.close()


def test_contracts_seen_before_pass_while_the_database_is_away_and_others_are_counted(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DATABASE_PAUSE", 0.0)
    publish(OPTIONS, message())
    settle(bridge)
    with connections["default"].execute_wrapper(refuse):
        publish(OPTIONS, message(price=1.0), message(strike=26_000, price=2.0))
        settle(bridge)
    publish(OPTIONS, message(strike=26_000, price=3.0))
    settle(bridge)
    assert [last for _, last in on_stream()] == [100.0, 1.0, 3.0]
    assert bridge.counts == {"database_away": 1}


def refuse(*_: Any) -> None:
    """Fail as a database does that does not answer."""
    raise OperationalError("the server closed the connection")


@pytest.fixture
def own_server(programs: Installation) -> Iterator[EmbeddedRedis]:
    """A Redis that this test may stop."""
    server = throwaway_redis(programs)
    server.start()
    yield server
    server.stop()


def test_the_bridge_survives_redis_and_sends_what_it_held(db: None, own_server: EmbeddedRedis) -> None:
    bridge = Bridge(partial(redis.Redis.from_url, own_server.url()), shards=1, flush_seconds=3600.0)
    client = redis.Redis.from_url(own_server.url())
    listen(bridge, client)
    publish(OPTIONS, message(price=1.0), client=client)
    settle(bridge)
    assert bridge.unsent == 1
    own_server.stop()
    for _ in range(3):
        bridge.work()
    assert bridge.counts["redis_away"] >= 3
    own_server.start()
    listen(bridge, client)
    publish(OPTIONS, message(price=2.0), client=client)
    settle(bridge)
    bridge.close()
    assert [last for _, last in on_stream(client=client)] == [1.0, 2.0]
    client.close()


def test_the_command_flushes_at_sigterm_and_says_what_it_did(server_environment: dict[str, str]) -> None:
    child = subprocess.Popen(
        [sys.executable, "manage.py", "bridge"],
        cwd=REPOSITORY,
        env=server_environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert "bridge listens to ticker:*:options ticker:*:underlying" in child.stdout.readline()
        assert wait_until(lambda: sync_client().pubsub_numpat() == 2, seconds=20, pause=0.05)
        publish(OPTIONS, message(), message(TEN + MINUTE_MS), b"junk")
        child.send_signal(signal.SIGTERM)
        said = child.stdout.read()
        assert child.wait(timeout=20) == 0
    finally:
        child.kill()
        child.wait()
    assert "bridge ended: 2 ticks sent, 1 malformed_json" in said
    assert len(on_stream()) == 2
