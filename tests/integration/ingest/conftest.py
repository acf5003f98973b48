"""A recording is ingested once for all tests of a module: they only look at what became of it."""

from collections.abc import Iterator
from datetime import date

import pytest
import redis
from django.core.management import call_command
from django.db import connection

from tradingviz.core.cache import forget_all
from tradingviz.quickstart.redis import EmbeddedRedis


@pytest.fixture(scope="module")
def module_market(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest, redis_server: EmbeddedRedis
) -> Iterator[None]:
    """An empty database and Redis that outlive single tests, emptied afterwards."""
    with redis.Redis.from_url(redis_server.url()) as client:
        client.flushall()
    forget_all()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        try:
            yield
        finally:
            call_command("flush", verbosity=0, interactive=False)
            forget_all()


@pytest.fixture
def few_sessions(db: None) -> None:
    """Of all known sessions those of January and February 2026: an ingest that starts reads all there are."""
    kept = {"first": date(2026, 1, 1), "last": date(2026, 2, 28)}
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM fo_analytics_sessioninterval WHERE session_id IN (SELECT id FROM fo_analytics_tradingsession "
            "WHERE date NOT BETWEEN %(first)s AND %(last)s)",
            kept,
        )
        cursor.execute("DELETE FROM fo_analytics_tradingsession WHERE date NOT BETWEEN %(first)s AND %(last)s", kept)
