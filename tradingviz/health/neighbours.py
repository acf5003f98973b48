"""Is the database there, Redis, the ticker service, ingest, the one who follows orders?

Whatever they do, all are answered for in three seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.request import ProxyHandler, build_opener

import psycopg
import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, connections

from accounts.order_stream import followed_at
from fo_analytics.ingest.heartbeat import Heartbeat, read_heartbeat
from fo_analytics.selectors.reference import session_horizons
from tradingviz.core.database import renew_pool
from tradingviz.core.probe import Probe, Silent
from tradingviz.core.redis import shared_client

T = TypeVar("T")

HEALTHY, DEGRADED, UNHEALTHY, DISABLED = "healthy", "degraded", "unhealthy", "disabled"
PATIENCE_S = 2.0
TICKER_TIMEOUT_S = 1.0
_AWAY = (psycopg.Error, DatabaseError, redis.RedisError, OSError, HTTPException, ValueError, Silent)


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life in Redis: the heartbeat of every shard's ingest, when order updates were last followed (ms UTC)."""

    ingest: Sequence[Heartbeat | None]
    orders_ms: int | None


Horizons = Mapping[str, date | None]

_entrance: Probe[None] = Probe("database", patience=PATIENCE_S, keep=1.0)
_sessions: Probe[Horizons] = Probe("sessions", patience=1.0, keep=1.0)
_signs: Probe[Signs] = Probe("redis", patience=PATIENCE_S, keep=0.0)
_ticker: Probe[None] = Probe("ticker", patience=TICKER_TIMEOUT_S, keep=2.0)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Words of those asked, what the others say in Redis (None: it is away), how far sessions are known."""

    database: str
    redis: str
    ticker: str
    signs: Signs | None
    horizons: Horizons | None


def ask_all() -> Neighbours:
    """Ask all side by side."""
    asked = _entrance.begin(_database.question())
    signs, ticker = _signs.begin(_read_signs), _begin_ticker()
    word = _word(asked.result)
    horizons = None
    if word == HEALTHY:
        with suppress(*_AWAY):
            horizons = _horizons()
    found = _answer(signs.result)
    return Neighbours(word, UNHEALTHY if found is None else HEALTHY, ticker(), found, horizons)


def database_word() -> str:
    """Return whether PostgreSQL lets us in."""
    return _word(_entrance.begin(_database.question()).result)


def signs_of_life() -> Signs | None:
    """Return what the other processes last said of themselves; None where Redis is away."""
    return _answer(_signs.begin(_read_signs).result)


def _word(result: Callable[[], object]) -> str:
    try:
        result()
    except _AWAY:
        return UNHEALTHY
    return HEALTHY


def _answer(result: Callable[[], T]) -> T | None:
    try:
        return result()
    except _AWAY:
        return None


class _Database:
    """Asks PostgreSQL over a connection of its own: a pooled one may be one that nobody answers any more.

    To let somebody in, it starts a process and reads its catalogue; a query would prove no more.
    """

    def __init__(self) -> None:
        self._was_away = False

    def question(self) -> Callable[[], None]:
        """Return what asks where this thread's Django would."""
        return partial(self._ask, _own_parameters())

    def _ask(self, parameters: dict[str, Any]) -> None:
        """Raises psycopg.Error. The first time it is back, connections of before are replaced."""
        try:
            psycopg.connect(**parameters).close()
        except psycopg.Error:
            self._was_away = True
            raise
        if self._was_away:
            self._was_away = False
            renew_pool()


_database = _Database()


def _own_parameters() -> dict[str, Any]:
    """Return the connection's address, without what is for Django's cursors."""
    given = connection.get_connection_params()
    wanted = ("host", "port", "dbname", "user", "password", "service", "sslmode", "sslrootcert", "sslcert", "sslkey")
    return {name: given[name] for name in wanted if given.get(name)} | {"connect_timeout": 2}


def _horizons() -> Horizons:
    """Return how far sessions are known, by Django's connection: PostgreSQL was there just now, and may hang since."""
    return _sessions.answer(_read_horizons)


def _read_horizons() -> Horizons:
    try:
        return session_horizons()
    finally:
        connections.close_all()  # this thread's own


def _read_signs() -> Signs:
    """Return the signs of life; Redis is there where it answers. Raises redis.RedisError."""
    client = shared_client()
    client.ping()
    beats = [read_heartbeat(client, shard=shard) for shard in range(settings.TICK_SHARDS)]
    return Signs(beats, followed_at(client))


def _begin_ticker() -> Callable[[], str]:
    """Start to ask the ticker service, where there is one; return what waits for its word."""
    url = settings.TICKER_SERVICE_URL
    if url is None:
        return lambda: DISABLED
    asked = _ticker.begin(lambda: _ask_ticker(url))
    return lambda: _word(asked.result)


def _ask_ticker(url: str) -> None:
    """Raises OSError where it says anything but yes. A neighbour: a proxy is meant for the world outside."""
    with build_opener(ProxyHandler({})).open(f"{url.rstrip('/')}/health", timeout=TICKER_TIMEOUT_S) as answer:
        answer.read(1)
