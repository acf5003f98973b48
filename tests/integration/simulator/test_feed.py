"""What the real process puts onto a real Redis, and how it goes wrong when it is told to."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from pytest_django.fixtures import Settings

from streaming.ticker.codec import TickBatch, decode
from streaming.ticker.stream import FIELD, stream_key
from tests.integration.simulator.conftest import Simulator, Start, reached
from tradingviz.core.clock import now_ms
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.processes import wait_until
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.simulator.feed import ORDERS_KEY
from tradingviz.quickstart.simulator.market import FRAME_MS

PATIENCE = 45.0


def sent(simulator: Simulator, seconds: float = 0.0, *, at_least: int = 0) -> list[TickBatch]:
    """Return the batches of the next seconds, and of as many more as it takes until there are some."""
    simulator.redis.delete(stream_key(0))
    time.sleep(seconds)
    assert wait_until(lambda: simulator.redis.xlen(stream_key(0)) >= at_least, seconds=PATIENCE)
    entries: Any = simulator.redis.xrange(stream_key(0))
    return [decode(fields[FIELD]) for _, fields in entries]


def count(batches: list[TickBatch]) -> int:
    """Return the number of ticks."""
    return sum(map(len, batches))


@pytest.fixture(scope="module")
def port(redis_server: EmbeddedRedis) -> Iterator[int]:
    """Where the process listens that all tests here ask."""
    starter = Start({**os.environ, "REDIS_URL": redis_server.url(), "SIMULATOR_FAULTS": "1"})
    port = free_port()
    try:
        starter.begin(port)
        yield port
    finally:
        starter.end()


@pytest.fixture
def simulator(port: int, redis_url: str, settings: Settings) -> Simulator:
    """The process, without subscriptions and faults, and its last ticks are gone."""
    found = reached(port, redis_url, settings)
    found.switch("off")
    found.client.unsubscribe(found.client.subscriptions())
    assert wait_until(lambda: not sent(found, 2 * FRAME_MS / 1000), seconds=PATIENCE)
    return found


@pytest.fixture
def nifty(simulator: Simulator) -> Simulator:
    """A simulator that sends NIFTY, its spot too."""
    spot = [
        int(line.split(",")[0]) for line in simulator.ask("GET", "/instruments").text.splitlines() if "NIFTY 50" in line
    ]
    simulator.client.subscribe([*spot, *simulator.tokens_of("NIFTY")])
    sent(simulator, at_least=1)
    return simulator


def test_only_what_is_subscribed_ticks_and_at_once(simulator: Simulator) -> None:
    assert sent(simulator, 1.0) == []
    tokens = simulator.tokens_of("BANKNIFTY")
    simulator.client.subscribe(tokens)
    batches = sent(simulator, 3.0)
    often = Counter(int(token) for batch in batches for token in batch.token)
    assert set(often) <= set(tokens)
    assert count(batches) > 3.0 * len(tokens) / 30 / 2  # the least liquid tick every 30 seconds
    assert max(often.values()) <= 4  # the most liquid once a second; how many they are depends on the days to expiry
    newest = max(int(batch.ts.max()) for batch in batches)
    assert abs(now_ms() - newest) < 3_000
    assert all(len(batch.depth.malformed) == 0 and len(batch.depth.row) == len(batch) for batch in batches)


def test_silence_and_its_end(nifty: Simulator) -> None:
    nifty.switch("silence", seconds=2.0)
    time.sleep(0.5)
    assert sent(nifty, 1.0) == []
    sent(nifty, at_least=1)
    assert nifty.ask("GET", "/health").json()["fault"] == "off"


def test_a_flood_is_many_times_as_much_and_every_tick_is_another(nifty: Simulator) -> None:
    usual = count(sent(nifty, 2.0))
    nifty.switch("flood", factor=2)
    flood = sent(nifty, 2.0)
    assert count(flood) > 4 * usual
    keys = np.concatenate([np.stack((batch.token, batch.ts), axis=1) for batch in flood])
    assert len(np.unique(keys, axis=0)) == len(keys)


def test_repeats_come_twice(nifty: Simulator) -> None:
    nifty.switch("repeats")
    time.sleep(0.5)
    batches = sent(nifty, at_least=6)
    keys = np.concatenate([np.stack((batch.token, batch.ts), axis=1) for batch in batches])
    assert len(np.unique(keys, axis=0)) <= len(keys) / 2 + len(batches[0])


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ({"kind": "time_back", "ms": 600_000}, lambda batch: bool((batch.ts < now_ms() - 590_000).all())),
        ({"kind": "wrong_spot", "factor": 2}, lambda batch: bool(batch.last[np.isnan(batch.ask)].min() > 45_000)),
    ],
)
def test_time_goes_back_and_spots_go_wrong(
    nifty: Simulator, fault: dict[str, Any], shows: Callable[[TickBatch], bool]
) -> None:
    nifty.switch(**fault)
    time.sleep(0.5)
    batches = [batch for batch in sent(nifty, 1.0, at_least=6) if np.isnan(batch.ask).any()]
    assert batches
    assert all(map(shows, batches))


def test_order_updates_come_on_a_stream_of_their_own(simulator: Simulator) -> None:
    assert wait_until(lambda: simulator.redis.xlen(ORDERS_KEY) >= 3, seconds=30)
    entries: Any = simulator.redis.xrange(ORDERS_KEY)
    updates = [msgspec.msgpack.decode(fields[b"b"]) for _, fields in entries]
    assert {update["status"] for update in updates} <= {"OPEN", "PARTIAL", "COMPLETE", "CANCELLED", "REJECTED"}
    assert all(abs(now_ms() - update["ts"]) < 60_000 for update in updates)
    assert [update["ts"] for update in updates] == sorted(update["ts"] for update in updates)
