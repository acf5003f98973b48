"""What the stored rows of single sessions came to, kept in this process until a commit touches the session."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

import redis

from fo_analytics.freshness import counts_of
from tradingviz.core import cache
from tradingviz.core.redis import shared_client

SECONDS = 60.0
"""For so long a value is believed: the count of a commit may have been lost with a Redis."""

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

    def __init__(self, *, most: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        """Keep values that together `weigh` `most`; by default so many."""
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[str, date, K], _Held[T]] = OrderedDict()
        cache.forgettable(self)

    def of(
        self,
        underlying: str,
        wanted: Collection[tuple[date, K]],
        read: Callable[[list[tuple[date, K]]], Sequence[T]],
    ) -> list[T]:
        """Return the values of dates and keys; `read` is asked once for all that are not remembered, in their order."""
        versions = _versions(underlying, {day for day, _ in wanted})
        found = self._remembered(underlying, wanted, versions)
        if missing := [key for key in dict.fromkeys(wanted) if key not in found]:
            fresh = dict(zip(missing, read(missing), strict=True))
            found |= fresh
            self._remember(underlying, fresh, versions)
        return [found[key] for key in wanted]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._weight = 0

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
                    self._drop((underlying, day, key))
                    self._held[underlying, day, key] = _Held(versions[day], cache.monotonic(), value)
                    self._weight += self._weigh(value)
            while self._weight > self._most:
                self._drop(next(iter(self._held)))

    def _drop(self, place: tuple[str, date, K]) -> None:
        held = self._held.pop(place, None)
        self._weight -= self._weigh(held.value) if held else 0


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
