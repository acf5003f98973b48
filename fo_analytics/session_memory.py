"""What the stored rows of single sessions came to, kept in this process until a commit touches the session."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

import redis

from fo_analytics.freshness import counts_of
from tradingviz.core import cache
from tradingviz.core.redis import shared_client

SECONDS = 3_600.0
"""For so long a value is believed: a Redis that lost its counters may give out a version once more."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    version: str
    read_at: float
    value: T

    def holds(self, version: str | None) -> bool:
        """Return whether the value is that of a version, read not too long ago."""
        return self.version == version and cache.monotonic() - self.read_at < SECONDS


class SessionMemory(Generic[K, T]):
    """Values by underlying, exchange date and key; the least recently used go first. Thread-safe.

    The version that a value is kept under is asked before its rows are: a commit in between makes it outdated, never
    wrong. Without Redis nobody can tell whether a value still holds, and all are read again.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, date, K], _Held[T]] = OrderedDict()
        cache.forgettable(self._held)

    def of(
        self,
        underlying: str,
        wanted: Collection[tuple[date, K]],
        read: Callable[[list[tuple[date, K]]], Mapping[tuple[date, K], T]],
    ) -> dict[tuple[date, K], T]:
        """Return the values of dates and keys; `read` is asked once for all that are not remembered."""
        versions = _versions(underlying, {day for day, _ in wanted})
        found = self._remembered(underlying, wanted, versions)
        if missing := [key for key in dict.fromkeys(wanted) if key not in found]:
            fresh = read(missing)
            found |= fresh
            self._remember(underlying, fresh, versions)
        return found

    def _remembered(
        self, underlying: str, wanted: Collection[tuple[date, K]], versions: Mapping[date, str]
    ) -> dict[tuple[date, K], T]:
        found = {}
        with self._lock:
            for day, key in wanted:
                place = underlying, day, key
                held = self._held.get(place)
                if held is not None and held.holds(versions.get(day)):
                    self._held.move_to_end(place)
                    found[day, key] = held.value
        return found

    def _remember(self, underlying: str, fresh: Mapping[tuple[date, K], T], versions: Mapping[date, str]) -> None:
        with self._lock:
            for (day, key), value in fresh.items():
                if day in versions:
                    self._held[underlying, day, key] = _Held(versions[day], cache.monotonic(), value)
                    self._held.move_to_end((underlying, day, key))
            while len(self._held) > self._most:
                self._held.popitem(last=False)


def _versions(underlying: str, days: Collection[date]) -> dict[date, str]:
    """Return the version of each day's rows, none of any where Redis is away."""
    if not days:
        return {}
    try:
        counts = counts_of(shared_client(), underlying, min(days), max(days))
    except redis.RedisError:
        return {}
    versions = ((day, counts.version(day, day)) for day in days)
    return {day: version for day, version in versions if version is not None}
