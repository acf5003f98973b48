"""Answers that are kept: reference data remembered in this process for a while, and bodies in memory and Redis."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import redis
from prometheus_client import Counter

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_PREFIX = "cache:"
HITS = Counter("cache_hits_total", "answers found, by level: l1 is the process's memory, l2 Redis", ["level"])
MISSES = Counter("cache_misses_total", "answers that had to be made")
_L1, _L2 = HITS.labels("l1"), HITS.labels("l2")

monotonic = time.monotonic
_all_stores: list[dict[Any, Any]] = []


def remembered(*, seconds: float, answers: int = 1_024) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep a function's answers per keyword arguments for `seconds`, so many at most; what raises is not kept."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        store: dict[Any, tuple[float, T]] = {}
        lock = threading.Lock()
        _all_stores.append(store)

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (args, tuple(sorted(kwargs.items())))
            with lock:
                held = store.get(key)
            if held is not None and monotonic() - held[0] < seconds:
                return held[1]
            answer = function(*args, **kwargs)
            with lock:
                store.pop(key, None)
                store[key] = (monotonic(), answer)
                while len(store) > answers:
                    del store[next(iter(store))]
            return answer

        return ask

    return decorate


def forgettable(store: dict[Any, Any]) -> dict[Any, Any]:
    """Let `forget_all` clear a store of remembered answers."""
    _all_stores.append(store)
    return store


def forget_all() -> None:
    """Drop every remembered answer of this process."""
    for store in _all_stores:
        store.clear()


@dataclass(slots=True)
class CacheStats:
    """Counts since the process's start."""

    l1_hits: int = 0
    l2_hits: int = 0
    total_misses: int = 0

    @property
    def hit_rate(self) -> float:
        """Return the share of questions that were answered without loading, 0 to 1."""
        hits = self.l1_hits + self.l2_hits
        return hits / (hits + self.total_misses) if hits + self.total_misses else 0.0


@dataclass(slots=True)
class _Held:
    """A body in memory: until when (the clock's seconds), and whether Redis has it too."""

    until: float
    body: bytes
    shared: bool


class Cache:
    """Bodies by key: this process's memory, then Redis, then the loader.

    A key has to name everything its body depends on, the version of the data included. Who asks for what somebody in
    this process is loading already waits for that. Redis gets a body when it is asked for again: most past instants
    never are, and writing costs as much as several reads. Redis away: memory and loader only. Thread-safe.
    """

    def __init__(self, client: Callable[[], redis.Redis], *, max_bytes: int, clock: Callable[[], float]) -> None:
        """`max_bytes` bounds the bodies in memory, the least recently used go first; `clock` in seconds."""
        self.stats = CacheStats()
        self._client = client
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._bytes = 0
        self._loading: dict[str, Future[bytes]] = {}

    def get(self, key: str, load: Callable[[], bytes], *, seconds: float) -> bytes:
        """Return the body of a key, kept for `seconds` at most. What `load` raises is raised to all that wait."""
        with self._lock:
            held = self._remembered(key)
            if held is None:
                others = self._loading.get(key)
                ours = self._loading.setdefault(key, Future())
        if held is not None:
            return self._again(key, held)
        if others is not None:
            return others.result()
        try:
            found = self._from_redis(key)
            body = found or self._load(load)
        except BaseException as error:
            self._end(key).set_exception(error)
            raise
        self._keep(key, _Held(self._clock() + seconds, body, shared=found is not None))
        self._end(key).set_result(body)
        return ours.result()

    def forget(self) -> None:
        """Drop what is in memory."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _remembered(self, key: str) -> _Held | None:
        held = self._held.get(key)
        if held is None:
            return None
        if held.until <= self._clock():
            self._drop(key)
            return None
        self._held.move_to_end(key)
        return held

    def _again(self, key: str, held: _Held) -> bytes:
        """Return a body from memory; from its second question on the other processes have it too."""
        self.stats.l1_hits += 1
        _L1.inc()
        self._share(key, held)
        return held.body

    def _share(self, key: str, held: _Held) -> None:
        if held.shared:
            return
        held.shared = True
        with suppress(redis.RedisError):  # said when it was asked
            self._client().set(_PREFIX + key, held.body, px=max(1, int((held.until - self._clock()) * 1000)))

    def _from_redis(self, key: str) -> bytes | None:
        try:
            body = self._client().get(_PREFIX + key)
        except redis.RedisError as error:
            logger.warning("cache without Redis: %s", error)
            return None
        if isinstance(body, bytes):
            self.stats.l2_hits += 1
            _L2.inc()
            return body
        return None

    def _load(self, load: Callable[[], bytes]) -> bytes:
        self.stats.total_misses += 1
        MISSES.inc()
        return load()

    def _keep(self, key: str, held: _Held) -> None:
        """Put a body into memory; one larger than all of that into Redis at once."""
        if len(held.body) > self._max_bytes:
            self._share(key, held)
            return
        with self._lock:
            self._drop(key)
            self._held[key] = held
            self._bytes += len(held.body)
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._held)))

    def _end(self, key: str) -> "Future[bytes]":
        """End the loading of a key."""
        with self._lock:
            return self._loading.pop(key)

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        self._bytes -= len(held.body) if held else 0
