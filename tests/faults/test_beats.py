"""Two beats, two workers, and what can happen to them: no double candle, no lost minute, no different candle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg
import pytest

from accounts.models import User
from fo_analytics.domain.calendar import IST
from fo_analytics.marks_keys import DUE
from strategies.models import Strategy
from tests.faults.feeder import LAST_FAULT
from tests.faults.market import Market, django_on
from tests.faults.recorded import SMALL, Tick, batches, thin_out
from tests.integration.strategies import recorded
from tests.integration.strategies.entered import CONDOR, STRADDLE, enter, held, rupees
from tests.integration.strategies.recorded import Holding
from tests.rig.data import REPOSITORY
from tests.rig.servers import child_environment
from tradingviz.quickstart.processes import has_exited, reap, spawn, wait_until

LAST_DAY = recorded.DAYS[-1]
LATE_SECONDS, LONG_SECONDS = 30.0, 3.5
CELERY = (sys.executable, "-m", "celery", "-A", "tradingviz")
Child = subprocess.Popen[bytes]


class Beats:
    """Beats that ask for a pass every second, and as many workers of one process each."""

    def __init__(self, market: Market, *, number: int = 2) -> None:
        self._market = market
        self.beats = [self._start("beat", place) for place in range(number)]
        self.workers = [self._start("worker", place) for place in range(number)]

    def kill_workers(self) -> None:
        """kill -9 both at once, and start others."""
        for child in self.workers:
            assert not has_exited(child)
            os.kill(child.pid, signal.SIGKILL)
            reap(child)
        self.workers = [self._start("worker", place) for place in range(len(self.workers))]

    def say(self, number: signal.Signals) -> None:
        """Send a signal to both beats."""
        for child in self.beats:
            os.kill(child.pid, number)

    def end(self) -> None:
        """Leave nothing running."""
        for child in (*self.beats, *self.workers):
            if child.returncode is None:
                reap(child)

    def _start(self, kind: str, number: int) -> Child:
        logs = self._market.logs
        schedule = ("--pidfile", "", "--schedule", str(logs / f"schedule-{number}"))
        options = schedule if kind == "beat" else ("--pool", "solo", "-n", f"w{number}-{time.monotonic_ns()}@here")
        environment = child_environment(self._market.settings, self._market.redis.url())
        return spawn(
            [*CELERY, kind, *options],
            log=logs / f"{kind}-{number}.log",
            environment={**environment, "M2M_PERIOD_SECONDS": "1"},
            cwd=REPOSITORY,
        )


@pytest.fixture
def beats(market: Market, strategies: dict[str, int]) -> Iterator[Beats]:
    """Beats and workers of this round, begun once there is something to work on."""
    started = Beats(market)
    try:
        yield started
    finally:
        started.end()


@pytest.fixture
def entered(shared_data: Path) -> datetime:
    """Return the stamp of the first snapshot."""
    stamp: datetime = recorded.prices(shared_data).index[0].to_pydatetime()
    return stamp.replace(tzinfo=IST)


@pytest.fixture
def strategies(market: Market, shared_data: Path, entered: datetime) -> dict[str, int]:
    """A straddle and a condor, entered at the first snapshot; their keys."""
    with django_on(market.settings):
        owner = User.objects.create_user("owner")
        return {
            name: enter(owner, name, held(shared_data, legs), entered).pk
            for name, legs in (("straddle", STRADDLE), ("condor", CONDOR))
        }


@contextmanager
def candles_locked(market: Market) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Let nobody store a candle; what waits is in the middle of a pass."""
    with psycopg.connect(market.postgres.dsn(market.database)) as holder:
        holder.execute("LOCK TABLE strategy_candle IN ACCESS EXCLUSIVE MODE")
        yield holder


def somebody_waits(market: Market) -> bool:
    """Return whether a pass waits to store its candles."""
    with market.connect() as database:
        row = database.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%strategy_candle%'"
        ).fetchone()
    return row is not None and bool(row[0])


def due(market: Market) -> int:
    """Return how many minutes wait for a pass."""
    with market.client() as client:
        return int(client.zcard(DUE))


def outdated(market: Market) -> bool:
    """Return whether candles wait to be made again."""
    with market.connect() as database:
        row = database.execute("SELECT count(*) FROM strategies_strategy WHERE outdated_since IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def test_candles_are_the_same_whatever_happens_to_beats_and_workers(
    market: Market,
    beats: Beats,
    strategies: dict[str, int],
    ticks: list[Tick],
    shared_data: Path,
    entered: datetime,
    random: Random,
) -> None:
    everything = list(batches(ticks, size=SMALL))
    rest = int(len(everything) * LAST_FAULT)
    feeder = market.feed(everything[:rest])
    instants = iter(feeder.instants(random, 2))
    market.wait_until_it_works(market.start_ingest())
    feeder.wait_for(next(instants))
    with candles_locked(market):
        assert wait_until(lambda: somebody_waits(market), seconds=120), "no pass came to its candles"
        beats.kill_workers()
    feeder.wait_for(next(instants))
    with candles_locked(market):
        assert wait_until(lambda: somebody_waits(market), seconds=120), "no pass came to its candles"
        time.sleep(LONG_SECONDS)  # a pass takes several periods
        assert somebody_waits(market)
    market.wait_until_taken()
    beats.say(signal.SIGSTOP)
    stopped = time.monotonic()
    time.sleep(LONG_SECONDS)  # what was asked for before is done
    market.feed(everything[rest:])
    market.wait_until_taken()
    time.sleep(max(0.0, stopped + LATE_SECONDS - time.monotonic()))
    waited = due(market)
    beats.say(signal.SIGCONT)
    assert wait_until(lambda: not due(market) and not outdated(market), seconds=180, pause=0.2)
    print(f"{waited} minutes were due when the beats came back")
    assert waited
    with django_on(market.settings):
        for name, legs in (("straddle", STRADDLE), ("condor", CONDOR)):
            table = recorded.prices(shared_data)
            wanted = recorded.candles(table, held(shared_data, legs), entered=entered.replace(tzinfo=None))
            assert rupees(Strategy.objects.get(pk=strategies[name])) == wanted


def test_a_replay_at_a_pace_ends_in_the_candles_of_one_without(
    market: Market, shared_data: Path, tmp_path: Path
) -> None:
    """REPLAY_SPEED=60 takes six minutes; by default it is quicker, and beats still come between its snapshots."""
    table = recorded.prices(shared_data).loc[LAST_DAY:]
    first = table.iloc[0]
    legs = [Holding(contract, lots, Decimal(first[contract])) for contract, lots in STRADDLE]
    entered: datetime = table.index[0].to_pydatetime()
    with django_on(market.settings):
        strategy = enter(User.objects.create_user("owner"), "straddle", legs, entered.replace(tzinfo=IST)).pk
    beats = Beats(market, number=1)
    try:
        market.wait_until_it_works(market.start_ingest())
        recording = thin_out(shared_data / f"nse_2026_02/index_option_chain_{LAST_DAY}.csv.gz", tmp_path)
        speed = os.environ.get("REPLAY_SPEED", "2400")
        subprocess.run(
            [sys.executable, "manage.py", "replay", "--speed", speed, "--", str(recording)],
            env={**child_environment(market.settings, market.redis.url())}, cwd=REPOSITORY, check=True,
        )  # fmt: skip
        assert wait_until(lambda: not market.backlog() and not due(market) and not outdated(market), seconds=120)
    finally:
        beats.end()
    with django_on(market.settings):
        found = rupees(Strategy.objects.get(pk=strategy))
    assert len(found) > 40
    assert found == recorded.candles(table, legs, entered=entered)


def test_the_expected_candles_are_of_many_minutes(shared_data: Path, entered: datetime) -> None:
    table = recorded.prices(shared_data)
    found = recorded.candles(table, held(shared_data, STRADDLE), entered=entered.replace(tzinfo=None))
    assert len(found) > 150
    assert len({candle[3] for candle in found.values()}) > 100
    assert all(low <= min(first, last) <= max(first, last) <= high for first, high, low, last in found.values())
    assert found[entered.replace(tzinfo=None, second=0)][0] == Decimal(0)
