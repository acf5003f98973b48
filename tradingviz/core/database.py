"""What processes that answer requests do about their connections: limit statements, count and renew the pool."""

import contextlib
import threading
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections
from prometheus_client import Gauge

# Of all living processes together. The names are promised.
POOL_SIZE = Gauge("db_pool_size", "connections of the pools", multiprocess_mode="livesum")
POOL_AVAILABLE = Gauge("db_pool_available", "connections waiting for work", multiprocess_mode="livesum")

_renewing = threading.Lock()


def limit_statements() -> None:
    """Let PostgreSQL end a statement of this process after DB_STATEMENT_TIMEOUT_MS (0: never).

    For processes that answer requests, before their first query: nobody waits longer for an answer. Migrations, ingest
    and tasks run longer, and do not call this.
    """
    limit = settings.DB_STATEMENT_TIMEOUT_MS
    options = connections.settings["default"]["OPTIONS"]
    given = options.get("options", "")
    if limit and "statement_timeout" not in given:
        options["options"] = f"{given} -c statement_timeout={limit}".strip()


def took_too_long(error: BaseException) -> bool:
    """Return whether PostgreSQL ended a statement because of its limit."""
    return isinstance(error.__cause__, psycopg.errors.QueryCanceled)


def pool() -> Any:
    """Return this process's pool, None where it has none."""
    return getattr(connection, "pool", None)


def count_pool() -> None:
    """Set the gauges of the pool to what it is now."""
    found = pool()
    stats = found.get_stats() if found is not None else {}
    POOL_SIZE.set(stats.get("pool_size", 0))
    POOL_AVAILABLE.set(stats.get("pool_available", 0))


def renew_pool() -> None:
    """Replace the pool's broken connections, in a thread: without it each would fail one more request."""
    if pool() is not None and _renewing.acquire(blocking=False):
        threading.Thread(target=_renew, args=(pool(),), name="renew-pool", daemon=True).start()


def _renew(found: Any) -> None:
    try:
        with contextlib.suppress(psycopg.Error):
            found.check()
    finally:
        _renewing.release()
