"""PostgreSQL and Redis for one run: started when the first test asks, stopped at the end.

The database is the embedded PostgreSQL, or the real TimescaleDB that TIMESCALEDB_URL names. Redis is the
embedded one, or the program that REDIS_SERVER_BINARY names.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection, connections
from django.test import override_settings

from tradingviz.core.redis import shared_client
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_installation, throwaway_postgres, throwaway_redis

DATABASE = "tradingviz"


class Server(Protocol):
    """What can be started and stopped."""

    def start(self) -> object:
        """Return when it answers."""

    def stop(self) -> object:
        """Return when it is gone; where it is not there, at once."""


@contextmanager
def started(server: Server) -> Iterator[None]:
    """Start a server for a block; whatever happens, it is stopped."""
    try:
        server.start()
        yield
    finally:
        server.stop()


def parse_database_url(url: str) -> dict[str, str | int]:
    """Return Django's connection settings of a postgres:// URL; raise ValueError where it is none."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname:
        raise ValueError("TIMESCALEDB_URL is not postgres://user:password@host:port/database")
    return {
        "HOST": parts.hostname,
        "PORT": parts.port or 5432,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.lstrip("/") or DATABASE,
    }


@pytest.fixture(scope="session")
def programs() -> Iterator[Installation]:
    """Server programs, in a folder that is removed afterwards."""
    with throwaway_installation() as found:
        binary = os.environ.get("REDIS_SERVER_BINARY")
        yield replace(found, redis=Path(binary)) if binary else found


@pytest.fixture(scope="session")
def database_settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str | int]]:
    """Where the run's PostgreSQL listens, in Django's words."""
    url = os.environ.get("TIMESCALEDB_URL")
    if url:
        yield parse_database_url(url)
        return
    server = throwaway_postgres(request.getfixturevalue("programs"))
    try:
        server.start()
        yield {
            "HOST": str(server.socket_dir),
            "PORT": server.port,
            "USER": server.user,
            "PASSWORD": server.password,
            "NAME": DATABASE,
        }
    finally:
        server.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    database_settings: dict[str, str | int], django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """Point Django at the run's server before pytest-django makes the test database there."""
    connections.settings["default"].update(database_settings)


@pytest.fixture(autouse=True)
def no_claims_left() -> Iterator[None]:
    """Give up the shards that an ingest in this process claimed: its connection outlives it."""
    yield
    release_claims()


def release_claims() -> None:
    """Let other processes have what an ingest in this one claimed."""
    held = connection.connection
    if held is not None and not held.closed:
        with suppress(psycopg.Error):
            held.execute("SELECT pg_advisory_unlock_all()")


@pytest.fixture
def has_timescaledb(db: None) -> bool:
    """Whether the test database has the extension."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")
        return bool(cursor.fetchone()[0])


@pytest.fixture(scope="session")
def redis_server(programs: Installation) -> Iterator[EmbeddedRedis]:
    """The run's Redis; every setting that is made from REDIS_URL points at it from now on."""
    server = throwaway_redis(programs)
    try:
        server.start()
        with override_settings(**repointed(settings.REDIS_URL, server.url())):
            shared_client.cache_clear()
            _repoint_celery(server.url())
            yield server
    finally:
        server.stop()


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """Address of the run's Redis, emptied for this test."""
    with redis.Redis.from_url(redis_server.url()) as client:
        client.flushall()
    return redis_server.url()


@pytest.fixture
def server_environment(transactional_db: None, redis_url: str) -> dict[str, str]:
    """Environment of a child process that is to use this test's database and Redis."""
    return child_environment(connection.settings_dict, redis_url)


def child_environment(database: Mapping[str, Any], redis_url: str) -> dict[str, str]:
    """Return the environment of a child process that is to use a database (in Django's words) and a Redis."""
    return {
        **os.environ,
        **{f"DB_{name}": str(database[name]) for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")},
        "REDIS_URL": redis_url,
        "PYTHONUNBUFFERED": "1",  # a line of its output can be waited for
        "ENVIRONMENT": "test",
        "DJANGO_SETTINGS_MODULE": "tradingviz.settings.test",
    }


def repointed(old: str, new: str) -> dict[str, Any]:
    """Return every setting in which the text `old` occurs as a value, with `new` in its place."""
    names = (name for name in dir(settings) if name.isupper())
    found = {name: getattr(settings, name) for name in names}
    changed = {name: _replace(value, old, new) for name, value in found.items()}
    return {name: value for name, value in changed.items() if value != found[name]}


def _replace(value: object, old: str, new: str) -> object:
    if isinstance(value, Mapping):
        return {key: _replace(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, old, new) for item in value]
    return new if value == old else value


def _repoint_celery(url: str) -> None:
    """Celery reads the settings once; an app that did so already is told."""
    module = sys.modules.get("tradingviz.celery")
    if module is not None:
        module.app.conf.broker_url = url
