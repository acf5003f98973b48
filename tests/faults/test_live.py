"""Clients of the socket while Redis, PostgreSQL, ingest, Daphne and the ticker go away and come back."""

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psutil
import pytest
import redis
from pytest_django import DjangoDbBlocker
from websockets.asyncio.client import connect

from fo_analytics.domain.calendar import from_ms, ist_date
from tests.faults.follower import following
from tests.faults.market import START_SECONDS, Market
from tests.faults.stage import Stage, Watcher, staged, until
from tradingviz.core.clock import now_ms
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.processes import reap
from tradingviz.quickstart.redis import EmbeddedRedis

DATABASE = "live"
RECOVERED_S = 10.0
AWAY_S = 1.5
SILENT_S = 30.0
AGES = {"stale", "recovered"}
# Promised are three seconds; a busy machine adds one.
TOLD_S, LATE_S = 4.0, 15.0
LONG_AWAY_S = 30.0
ROUNDS, ROUND_S, MOST_DELAY_MS = 3, 4.0, 250.0
VISITS, AT_ONCE, MOST_VISITS = 1_000, 20, 6_000
MOST_GROWTH_KIB = 2 * 1024  # of 1,000 visits: sockets that stay behind would be 37 MiB


@pytest.fixture(scope="module")
def stage(
    breakable_postgres: EmbeddedPostgres,
    breakable_redis: EmbeddedRedis,
    migrated: str,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Stage]:
    """Everything, in a market of its own; what one test broke is whole for the next."""
    breakable_postgres.create_database(DATABASE, template=migrated)
    with redis.Redis.from_url(breakable_redis.url()) as client:
        client.flushall()
    with django_db_blocker.unblock():
        market = Market(breakable_postgres, breakable_redis, DATABASE, tmp_path_factory.mktemp(DATABASE))
        try:
            with staged(market, ist_date(from_ms(now_ms()))) as made:
                yield made
        finally:
            market.end()


@asynccontextmanager
async def watching(stage: Stage) -> AsyncIterator[Watcher]:
    """A client that sees the market; at the end it must have what a new one gets."""
    watcher = stage.watcher()
    task = asyncio.create_task(watcher.run())
    try:
        await watcher.sees(now_ms(), seconds=START_SECONDS)
        yield watcher
        await stage.is_same_as_fresh(watcher)
    finally:
        if task.done():
            task.result()
        task.cancel()


async def recovers(watcher: Watcher, what: str) -> None:
    """Fail where no frame of a new tick comes within ten seconds from now."""
    seconds = await watcher.sees(now_ms(), seconds=RECOVERED_S)
    print(f"{what}: a frame of a new tick after {seconds:.2f} s; sockets so far: {watcher.sockets}")


@pytest.mark.parametrize("server", ["redis", "postgres"])
async def test_a_client_lives_through_a_crash_of_a_server_and_misses_no_state(stage: Stage, server: str) -> None:
    async with watching(stage) as watcher:
        with stage.market.without(server):
            await asyncio.sleep(AWAY_S)
        await recovers(watcher, server)


async def test_a_client_lives_through_a_killed_ingest_and_misses_no_state(stage: Stage) -> None:
    async with watching(stage) as watcher:
        sockets = watcher.sockets
        await kill_ingest(stage)
        await recovers(watcher, "ingest")
        assert watcher.sockets == sockets


async def kill_ingest(stage: Stage) -> None:
    """Kill it, and start another one."""
    child = stage.market.ingests[-1]
    os.kill(child.pid, signal.SIGKILL)
    killed = time.monotonic()
    assert reap(child) == -signal.SIGKILL
    started = stage.market.start_ingest()
    await asyncio.to_thread(stage.market.wait_until_it_works, started)
    print(f"ingest works again {time.monotonic() - killed:.1f} s after the kill")


@pytest.mark.parametrize("what", ["redis", "ingest"])
async def test_our_own_client_comes_back_by_itself_within_ten_seconds(stage: Stage, what: str) -> None:
    async with following(stage) as follower:
        if what == "redis":
            with stage.market.without(what):
                await asyncio.sleep(AWAY_S)
        else:
            await kill_ingest(stage)
        print(f"our client after {what}: live after {await follower.sees(RECOVERED_S):.2f} s; told {follower.told}")


def said_of_age(watcher: Watcher) -> list[tuple[str, str]]:
    """Return what a client was told about the age of its numbers."""
    return [(frame["type"], frame["reason"]) for frame in watcher.mirror.frames if frame["type"] in AGES]


def is_stale(watcher: Watcher) -> bool:
    """Return whether a client was told last that its numbers are old."""
    return [kind for kind, _ in said_of_age(watcher)][-1:] == ["stale"]


def is_mute(watcher: Watcher) -> bool:
    """Return whether a client has got nothing new for long, and was not told that its numbers are old."""
    return not is_stale(watcher) and time.time() - max(watcher.arrived.values()) > TOLD_S


async def test_while_the_database_is_away_for_long_a_client_hears_that_its_numbers_are_old(stage: Stage) -> None:
    """For longer than anything is remembered that was read from it."""
    async with watching(stage) as watcher:
        with stage.market.without("postgres"):
            back = time.monotonic() + LONG_AWAY_S
            while time.monotonic() < back:
                assert not is_mute(watcher), said_of_age(watcher)
                await asyncio.sleep(0.05)
            assert is_stale(watcher)
        await recovers(watcher, "postgres")
        await until(lambda: not is_stale(watcher))


async def test_while_ingest_is_dead_a_client_hears_that_its_numbers_are_old(stage: Stage) -> None:
    async with watching(stage) as watcher:
        child = stage.market.ingests[-1]
        os.kill(child.pid, signal.SIGKILL)
        reap(child)
        await until(lambda: is_stale(watcher) or is_mute(watcher))
        print(f"told {time.time() - max(watcher.arrived.values()):.2f} s after the last frame")
        assert said_of_age(watcher)[-1:] == [("stale", "feed_silent")]
        started = stage.market.start_ingest()
        await asyncio.to_thread(stage.market.wait_until_it_works, started)
        await recovers(watcher, "ingest")
        await until(lambda: not is_stale(watcher))


async def test_ticks_that_come_late_are_told_of_until_they_come_in_time_again(stage: Stage) -> None:
    async with watching(stage) as watcher:
        stage.feed.late_ms = 30_000
        await until(lambda: ("stale", "data_quality") in said_of_age(watcher), seconds=LATE_S)
        stage.feed.late_ms = 0
        await recovers(watcher, "time that went back")
        await until(lambda: said_of_age(watcher)[-1] == ("recovered", "data_quality"))


async def test_a_client_comes_back_to_a_restarted_server_and_misses_no_state(stage: Stage) -> None:
    async with watching(stage) as watcher:
        await asyncio.to_thread(stage.daphne.stop)
        stage.daphne.start()
        await asyncio.to_thread(stage.daphne.wait_until_it_works)
        await recovers(watcher, "Daphne")
        assert watcher.sockets >= 2  # one more where it came back while the old server was still leaving


async def test_through_half_a_minute_of_silence_a_client_stays_and_a_thousand_comings_and_goings_leave_no_memory(
    stage: Stage,
) -> None:
    """In silence, as what was sent in the last minute is kept for those who come back, up to a bound.

    A leak grows with every thousand; what a new process takes for the first few thousands, it takes once.
    """
    assert stage.daphne.child
    server = psutil.Process(stage.daphne.child.pid)
    async with watching(stage) as watcher:
        stage.feed.silent.set()
        before, ends, sockets = len(watcher.mirror.frames), time.monotonic() + SILENT_S, watcher.sockets
        await visits(stage, VISITS)
        grown = [await growth(stage, server)]
        while grown[-1] >= MOST_GROWTH_KIB and len(grown) < MOST_VISITS // VISITS:
            grown.append(await growth(stage, server))
        await asyncio.sleep(ends - time.monotonic())
        heartbeats = [frame for frame in watcher.mirror.frames[before:] if frame["type"] == "heartbeat"]
        assert len(heartbeats) >= 5
        stage.feed.silent.clear()
        await recovers(watcher, "the ticker")
        assert watcher.sockets == sockets
    print(f"resident memory grew by {[round(kib) for kib in grown]} KiB in {VISITS} visits each")
    assert grown[-1] < MOST_GROWTH_KIB


async def growth(stage: Stage, server: psutil.Process) -> float:
    """Return by how much a server's resident memory grows (KiB) while a thousand come and go."""
    before = server.memory_info().rss
    await visits(stage, VISITS)
    return float(server.memory_info().rss - before) / 1024


async def visits(stage: Stage, number: int) -> None:
    """Come, wait for the snapshot, go: so many times, 20 at once; every other one hangs up without a word."""

    async def visit(place: int) -> None:
        async with room, connect(stage.url, compression=None) as connection:
            watcher = stage.watcher()
            following = asyncio.create_task(watcher._follow(connection))
            await until(lambda: watcher.mirror.documents)
            following.cancel()
            if place % 2:
                connection.transport.abort()

    room = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(visit(place) for place in range(number)))
    await asyncio.sleep(3)  # Daphne looks once a second for sockets that have ended


async def test_a_client_that_never_reads_does_not_delay_another(stage: Stage) -> None:
    """In most rounds: a machine that stands still in one of them says nothing of the server."""
    async with watching(stage) as watcher:
        alone, beside = [], []
        for _ in range(ROUNDS):
            alone.append(await p99_delay(watcher))
            async with connect(stage.url, compression=None, max_queue=1) as deaf:
                await deaf.send('{"op":"subscribe","channel":"chain","underlying":"NIFTY"}')
                deaf.transport.pause_reading()
                beside.append(await p99_delay(watcher))
                deaf.transport.abort()
        p99 = [statistics.median(found) for found in (alone, beside)]
        print(f"p99 tick to frame: {p99[0]:.1f} ms alone, {p99[1]:.1f} ms beside one that never reads")
        assert p99[1] < p99[0] + MOST_DELAY_MS


async def p99_delay(watcher: Watcher) -> float:
    """Return the 99th percentile (ms) of the time from ticks to their frames, for a while."""
    watcher.arrived.clear()
    await asyncio.sleep(ROUND_S)
    delays = [at * 1000 - ts for ts, at in watcher.arrived.items()]
    assert len(delays) > 10
    return statistics.quantiles(delays, n=100)[98]
