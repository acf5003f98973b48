"""Answers kept for a while, by what was asked, with the version of the market that answered."""

import functools
import time
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.db import connection

from fo_analytics.domain.calendar import from_ms, ist_date, to_ms
from fo_analytics.domain.symbols import canonical
from fo_analytics.freshness import LiveVersion, StoredVersion, known
from fo_analytics.selectors.reference import calendar, find_underlying
from tradingviz.core import cache, json
from tradingviz.core.cache import Cache
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import shared_client

_TTL = {
    "1m": "CACHE_TTL_1M", "5m": "CACHE_TTL_5M", "15m": "CACHE_TTL_5M", "30m": "CACHE_TTL_1H", "1h": "CACHE_TTL_1H",
    "1d": "CACHE_TTL_1D",
}  # fmt: skip


def ttl(timeframe: str) -> float:
    """Return for how many seconds an answer of a timeframe is kept at most."""
    return float(getattr(settings, _TTL[timeframe]))


@functools.cache
def bodies() -> Cache:
    """Return this process's cache of answers."""
    return Cache(shared_client, max_bytes=settings.CACHE_MEMORY_MB << 20, clock=lambda: cache.monotonic())


def kept(
    *,
    path: str,
    asked: Mapping[str, Any],
    load: Callable[[], bytes],
    seconds: float,
    days: tuple[date, date] | None,
) -> bytes:
    """Return the body of a question, from the cache where the market is still the same.

    Where it cannot be told which market answers (Redis is away, nothing is live), the body is made anew.
    """
    if "underlying" not in asked:
        return load()
    underlying = canonical(str(asked["underlying"]))
    question = blake2b(json.encode([path, sorted(asked.items())]), digest_size=16).hexdigest()
    if days is None:
        # Labels move on at the expiry instant, and nothing is published then.
        ends = functools.partial(_seconds_left, underlying, seconds)
        return bodies().get(question, LiveVersion(underlying), load, seconds=ends)
    version = StoredVersion(underlying, *days)

    def made() -> bytes:
        with known(version.counts):
            return load()

    return bodies().get(question, version, made, seconds=seconds)


def _seconds_left(underlying: str, most: float) -> float:
    """Return for how many seconds what is live now is kept: not beyond today's expiry instant."""
    now = now_ms()
    sessions = calendar(exchange=find_underlying(name=underlying).exchange)
    left = to_ms(sessions.expires_at(ist_date(from_ms(now)))) - now
    return min(most, left / 1000) if left > 0 else most


class Timing:
    """Where the time of an answer went, for the Server-Timing header."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._database = 0.0
        self._loading = 0.0

    def loaded(self, load: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what `load` does; note its time, and the database's share of it."""
        began = time.perf_counter()
        try:
            with connection.execute_wrapper(self._query):
                return load()
        finally:
            self._loading = time.perf_counter() - began

    def _query(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self._database += time.perf_counter() - began

    def header(self) -> str:
        """Return the header's value, in milliseconds."""
        parts = {
            "cache": time.perf_counter() - self._began - self._loading,
            "db": self._database,
            "compute": self._loading - self._database,
        }
        return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in parts.items())
