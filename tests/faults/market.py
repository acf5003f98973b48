"""One round: a fresh database, an empty Redis that keeps what it was told, real ingest processes, and faults."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

import psycopg
from django.db import connection
from redis import Redis

from fo_analytics.ingest.heartbeat import read_heartbeat
from fo_analytics.services.coverage import refresh_coverage
from fo_analytics.services.rollups import roll_up_due
from streaming.ticker.stream import TickReader, stream_key
from tests.faults.feeder import PATIENCE_SECONDS, Feeder
from tests.faults.recorded import DAYS, Batch
from tests.rig.checksums import Checksums, checksums, difference
from tests.rig.data import REPOSITORY
from tests.rig.servers import child_environment
from tradingviz.core.cache import forget_all
from tradingviz.quickstart.console import last_lines
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.processes import end_child, has_exited, reap, spawn, wait_until
from tradingviz.quickstart.redis import EmbeddedRedis

START_SECONDS = 120.0
END_SECONDS = 60.0
# Many commits: there are more instants at which a fault is a different one.
OFTEN = {"INGEST_COMMIT_MS": "50"}


@dataclass(frozen=True, slots=True)
class Kill:
    """What a killed ingest left: batches taken and not acknowledged, and the bars committed by then."""

    shard: int
    pending: int
    bars: int


@dataclass
class Market:
    """A database of PostgreSQL `postgres`, all of Redis `redis`, and the ingest processes between them."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    database: str
    logs: Path
    ingests: list[subprocess.Popen[bytes]] = field(default_factory=list)
    feeders: list[Feeder] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str | int]:
        """Where the database is, in Django's words."""
        return database_settings(self.postgres, self.database)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection that sees what is committed."""
        return psycopg.connect(self.postgres.dsn(self.database), autocommit=True)

    def client(self) -> Redis:
        """Return a client of this round's Redis."""
        return Redis.from_url(self.redis.url(), socket_timeout=5)

    # ---------------------------------------------------------------- ingest and feed

    def start_ingest(self, shard: int = 0) -> subprocess.Popen[bytes]:
        """Start an ingest process without waiting for it."""
        child = spawn(
            [sys.executable, "manage.py", "ingest", "--shard", str(shard)],
            log=self.logs / f"ingest-{shard}.log",
            environment={**child_environment(self.settings, self.redis.url()), **OFTEN},
            cwd=REPOSITORY,
        )
        self.ingests.append(child)
        return child

    def wait_until_it_works(self, child: subprocess.Popen[bytes], shard: int = 0) -> None:
        """Return when this very process has shown itself; fail where it ended instead."""
        with self.client() as client:

            def shown() -> bool:
                beat = read_heartbeat(client, shard=shard)
                return beat is not None and beat.pid == child.pid

            wait_until(lambda: has_exited(child) or shown(), seconds=START_SECONDS, pause=0.005)
            assert shown(), f"ingest {shard} does not work:\n{self.told()}"

    def feed(self, batches: Sequence[Batch]) -> Feeder:
        """Start to send batches."""
        feeder = Feeder(self.redis.url(), batches)
        self.feeders.append(feeder)
        feeder.start()
        return feeder

    def wait_until_taken(self) -> None:
        """Return when all that was sent is acknowledged; fail where it stays."""
        for feeder in self.feeders:
            feeder.wait_for(feeder.total)
        shards = {shard for feeder in self.feeders for shard in feeder.shards}
        wait_until(lambda: not any(map(self.backlog, shards)), seconds=PATIENCE_SECONDS, pause=0.05)
        left = {shard: (self.backlog(shard), self.pending(shard)) for shard in shards if self.backlog(shard)}
        assert not left, f"batches stay on the stream (shard: all, taken): {left}\n{self.told()}"

    def backlog(self, shard: int = 0) -> int:
        """Return how many batches are on a shard's stream, taken ones included."""
        with self.client() as client:
            return int(client.xlen(stream_key(shard)))

    def pending(self, shard: int = 0) -> int:
        """Return how many batches an ingest has taken and not acknowledged."""
        with self.client() as client:
            return TickReader(client, shard=shard).pending()

    def committed_bars(self) -> int:
        """Return how many minutes are committed."""
        with self.connect() as database:
            row = database.execute("SELECT count(*) FROM bar").fetchone()
        assert row is not None
        return int(str(row[0]))

    # ---------------------------------------------------------------- faults

    def kill_at_work(self, child: subprocess.Popen[bytes], shard: int = 0) -> Kill:
        """kill -9 an ingest while it holds batches that it has not acknowledged.

        It is stopped first: what is seen then is what the kill hits.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert not has_exited(child), f"the kill found no ingest:\n{self.told()}"
            os.kill(child.pid, signal.SIGSTOP)
            pending = self.pending(shard)
            if pending:
                os.kill(child.pid, signal.SIGKILL)
                assert reap(child) == -signal.SIGKILL
                return Kill(shard, pending, self.committed_bars())
            os.kill(child.pid, signal.SIGCONT)
            time.sleep(0.001)
        raise AssertionError(f"the kill would hit nothing: shard {shard} holds no batch\n{self.told()}")

    @contextmanager
    def without(self, server: str) -> Iterator[None]:
        """Let `postgres` or `redis` die without a chance to say or write anything; it is back after the block."""
        broken: EmbeddedPostgres | EmbeddedRedis = self.postgres if server == "postgres" else self.redis
        assert broken.child is not None
        # PostgreSQL's word for "at once": its children end, too.
        os.kill(broken.child.pid, signal.SIGQUIT if server == "postgres" else signal.SIGKILL)
        assert wait_until(lambda: not broken.running, seconds=END_SECONDS)
        try:
            yield
        finally:
            broken.start()

    # ---------------------------------------------------------------- the end

    def settle(self) -> Checksums:
        """Wait until all is taken, end the ingests in order, roll up, count the coverage; return the checksums."""
        self.wait_until_taken()
        self.end_ingests()
        self.roll_up()
        with django_on(self.settings):
            refresh_coverage(first=date.fromisoformat(DAYS[0]), last=date.fromisoformat(DAYS[-1]))
        with self.connect() as database:
            return checksums(database)

    def end_ingests(self) -> None:
        """End the ingests in order; fail where one ended before, or by an error."""
        for child in self.ingests:
            if child.returncode is None:
                assert not has_exited(child), f"an ingest has ended by itself:\n{self.told()}"
                code = end_child(child, polite=signal.SIGTERM, seconds=END_SECONDS)
                assert code == 0, f"an ingest ended with {code}:\n{self.told()}"

    def roll_up(self) -> None:
        """Do what a worker does every few seconds."""
        with django_on(self.settings):
            roll_up_due(wait=True)

    def told(self) -> str:
        """Return the end of what the ingests said."""
        logs = sorted(self.logs.glob("ingest-*.log"))
        return "\n".join(f"{log.name}:\n{last_lines(log)}" for log in logs)

    def end(self) -> None:
        """Leave nothing running."""
        for feeder in self.feeders:
            feeder.end()
        for child in self.ingests:
            if child.returncode is None:
                reap(child)


def database_settings(postgres: EmbeddedPostgres, name: str) -> dict[str, str | int]:
    """Return Django's settings of one database of a server."""
    return {
        "HOST": str(postgres.socket_dir),
        "PORT": postgres.port,
        "USER": postgres.user,
        "PASSWORD": postgres.password,
        "NAME": name,
    }


@contextmanager
def django_on(settings: dict[str, str | int]) -> Iterator[None]:
    """Let this process's Django work on another database for as long as the block lasts."""
    connection.close()
    former = {name: connection.settings_dict[name] for name in settings}
    connection.settings_dict.update(settings)
    forget_all()
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(former)
        forget_all()


def assert_same_rows(straight: Market, other: Market, expected: Checksums, found: Checksums) -> None:
    """Fail with the first rows that differ."""
    if found == expected:
        return
    with straight.connect() as here, other.connect() as there:
        lines = difference(here, there)
    raise AssertionError("\n".join([f"straight: {expected}", f"here:     {found}", *lines, other.told()]))


def seed_from(environment: str = "FAULTS_SEED") -> int:
    """Return the seed of this run: the one asked for, else a new one."""
    return int(os.environ.get(environment) or Random().randrange(1_000_000))
