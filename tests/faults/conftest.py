"""Servers that may be broken: not those of the other tests. The straight run is made once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

import pytest
import redis
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from tests.faults.market import Market, assert_same_rows, database_settings, django_on, seed_from
from tests.faults.recorded import LARGE, Tick, batches, load
from tests.rig.checksums import Checksums
from tests.rig.servers import started
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_postgres, throwaway_redis

MIGRATED, TEMPLATE = "migrated", "listed"


@dataclass(frozen=True, slots=True)
class Straight:
    """What the recorded days end in when nothing happens."""

    market: Market
    checksums: Checksums

    def is_repeated_by(self, other: Market) -> None:
        """Let another round come to its end; fail where it ends in other rows."""
        assert_same_rows(self.market, other, self.checksums, other.settle())


@pytest.fixture(scope="session")
def breakable_postgres(programs: Installation) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of these tests alone; a commit is lost in its crash only where nobody asked for a safe one."""
    server = throwaway_postgres(programs)
    with started(server):
        yield server


@pytest.fixture(scope="session")
def breakable_redis(programs: Installation) -> Iterator[EmbeddedRedis]:
    """A Redis of these tests alone; what it said yes to survives a kill, though not a crash of the machine."""
    server = throwaway_redis(programs)
    server.fsync = "no"
    with started(server):
        yield server


@pytest.fixture(scope="session")
def migrated(breakable_postgres: EmbeddedPostgres, django_db_blocker: DjangoDbBlocker) -> str:
    """The template of all databases: migrated, and empty."""
    breakable_postgres.create_database(MIGRATED)
    with django_db_blocker.unblock(), django_on(database_settings(breakable_postgres, MIGRATED)):
        call_command("migrate", verbosity=0)
    return MIGRATED


@pytest.fixture(scope="session")
def ticks(
    shared_data: Path, breakable_postgres: EmbeddedPostgres, migrated: str, django_db_blocker: DjangoDbBlocker
) -> list[Tick]:
    """The recorded days; their contracts are listed in the template of the rounds' databases."""
    breakable_postgres.create_database(TEMPLATE, template=migrated)
    with django_db_blocker.unblock(), django_on(database_settings(breakable_postgres, TEMPLATE)):
        return load(shared_data)


@pytest.fixture(scope="session")
def new_market(
    ticks: list[Tick],
    breakable_postgres: EmbeddedPostgres,
    breakable_redis: EmbeddedRedis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Market]:
    """Return a function that makes a fresh round."""
    numbers = count()

    def make() -> Market:
        name = f"round_{next(numbers)}"
        breakable_postgres.create_database(name, template=TEMPLATE)
        with redis.Redis.from_url(breakable_redis.url()) as client:
            client.flushall()
        return Market(breakable_postgres, breakable_redis, name, tmp_path_factory.mktemp(name))

    return make


@pytest.fixture(scope="session")
def straight(new_market: Callable[[], Market], ticks: list[Tick], django_db_blocker: DjangoDbBlocker) -> Straight:
    """The recorded days, one after another, through one ingest that nothing happens to."""
    with _round(new_market, django_db_blocker) as market:
        market.wait_until_it_works(market.start_ingest())
        market.feed(list(batches(ticks, size=LARGE)))
        return Straight(market, market.settle())


@pytest.fixture
def market(
    straight: Straight, new_market: Callable[[], Market], django_db_blocker: DjangoDbBlocker
) -> Iterator[Market]:
    """A fresh round for one test."""
    with _round(new_market, django_db_blocker) as made:
        yield made


@contextmanager
def _round(new_market: Callable[[], Market], django_db_blocker: DjangoDbBlocker) -> Iterator[Market]:
    market = new_market()
    with django_db_blocker.unblock():
        try:
            yield market
        finally:
            market.end()


@pytest.fixture
def random() -> Random:
    """Randomness whose seed is printed, and can be asked for by FAULTS_SEED."""
    seed = seed_from()
    print(f"FAULTS_SEED={seed}")
    return Random(seed)
