"""Answers that are kept: reference data remembered in this process for a while, and bodies in memory and Redis."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar

import redis
from prometheus_client import Counter
from redis.client import Pipeline

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_PREFIX = "cache:"
# Between the version and the body of what Redis has; so that is never empty.
_BEHIND_VERSION = b"\n"
HITS = Counter("cache_hits_total", "answers found, by level: l1 is the process's memory, l2 Redis", ["level"])
MISSES = Counter("cache_misses_total", "answers that had to be made")
_L1, _L2 = HITS.labels("l1"), HITS.labels("l2")

# By which everything that is remembered in this process ages.
monotonic = time.monotonic
_all_stores: list["Forgettable"] = []


def remembered(*, seconds: float, answers: int = 1_024) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep a function's answers per keyword arguments for `seconds`, so many at most; what raises is not kept.

    Nor is an answer that was begun before all was forgotten: it may be made of what held before.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        store: _Answers[T] = forgettable(_Answers(seconds, answers))

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            key, generation = (args, tuple(sorted(kwargs.items()))), _Forgotten.times
            held = store.get(key, generation)
            if held is not None:
                return held.answer
            answer = function(*args, **kwargs)
            store.put(key, _Answer(answer, generation, monotonic()))
            return answer

        return ask

    return decorate


class _Forgotten:
    """How often all was forgotten in this process: the generation of the answers that are remembered."""

    times = 0
    lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    """What a function answered, of which generation, and when (the clock's seconds)."""

    answer: T
    generation: int
    at: float


class _Answers(Generic[T]):
    """Answers of one function; those put first go first. Thread-safe."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._held: dict[Any, _Answer[T]] = {}

    def get(self, key: Any, generation: int) -> _Answer[T] | None:
        """Return an answer of a generation that is not too old."""
        with self._lock:
            held = self._held.get(key)
        # Stores are cleared one after the other: one made of another store's answers must not find them in between.
        if held is None or held.generation != generation or monotonic() - held.at >= self._seconds:
            return None
        return held

    def put(self, key: Any, answer: _Answer[T]) -> None:
        """Keep an answer, unless all was forgotten since it was begun."""
        with self._lock:
            if answer.generation != _Forgotten.times:
                return
            self._held.pop(key, None)
            self._held[key] = answer
            while len(self._held) > self._most:
                del self._held[next(iter(self._held))]

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._held.clear()


class Forgettable(Protocol):
    """What remembers answers."""

    def clear(self) -> None:
        """Forget them all."""


S = TypeVar("S", bound=Forgettable)


def forgettable(store: S) -> S:
    """Let `forget_all` clear a store of remembered answers."""
    _all_stores.append(store)
    return store


def forget_all() -> None:
    """Drop every remembered answer of this process, those on their way included."""
    with _Forgotten.lock:
        _Forgotten.times += 1
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


class Version(Protocol):
    """What tells apart the states of the data that a body is made of."""

    def ask(self, pipe: Pipeline) -> None:
        """Put what it takes to know the version into a pipeline."""

    def told(self, answers: Sequence[Any]) -> str | None:
        """Return the version by what the pipeline answered, None where nothing can be told: then nothing is kept."""


@dataclass(slots=True)
class _Held:
    """A body in memory: of which version, until when (the clock's seconds), and whether Redis has it too."""

    version: str
    until: float
    body: bytes
    shared: bool


class _Elsewhere(NamedTuple):
    """What Redis has of a question: version and body, and the milliseconds they have left (negative: gone)."""

    marked: bytes | None
    left_ms: int


_NOT_ASKED = _Elsewhere(None, 0)


def _ask_elsewhere(pipe: Pipeline, question: str) -> None:
    pipe.get(_PREFIX + question)
    pipe.pttl(_PREFIX + question)


class Cache:
    """Bodies by question: this process's memory, then Redis, then the loader; each while its version is the data's.

    A question has to name everything its body depends on but the data. The version and, where memory has nothing of the
    question, Redis's body are asked for in one round trip. Who asks for what somebody in this process is loading
    already waits for that. Redis gets a body when it is asked for again: most past instants never are, and writing
    costs as much as several reads. Where nobody knows the version (Redis is away, or it tells of none), nothing is
    kept, and only what is being loaded at the moment is shared. Thread-safe.
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
        self._loading: dict[tuple[str, str | None], Future[bytes]] = {}

    def get(
        self, question: str, version: Version, load: Callable[[], bytes], *, seconds: float | Callable[[], float]
    ) -> bytes:
        """Return the body of a question, kept for `seconds` at most; a function tells them before the body is loaded.

        What `load` raises is raised to all that wait.
        """
        try:
            known, elsewhere = self._ask(question, version)
        except redis.RedisError as error:
            logger.warning("cache without Redis: %s", error)
            known, elsewhere = None, _NOT_ASKED
        with self._lock:
            held = None if known is None else self._remembered(question, known)
            others = None if held else self._loading.get((question, known))
            if held is None and others is None:
                self._loading[question, known] = Future()
        if held is not None:
            return self._again(question, held)
        if others is not None:
            return others.result()
        try:
            body = load() if known is None else self._made(question, known, elsewhere, load, seconds)
        except BaseException as error:
            self._end(question, known).set_exception(error)
            raise
        self._end(question, known).set_result(body)
        return body

    def forget(self) -> None:
        """Drop what is in memory."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _ask(self, question: str, version: Version) -> tuple[str | None, _Elsewhere]:
        """Return the version of the data, and what Redis has of the question: only asked where memory has nothing."""
        with self._client().pipeline(transaction=False) as pipe:
            version.ask(pipe)
            if is_new := question not in self._held:
                _ask_elsewhere(pipe, question)
            answers = pipe.execute()
        elsewhere = _NOT_ASKED
        if is_new:
            *answers, marked, left_ms = answers
            elsewhere = _Elsewhere(marked, left_ms)
        return version.told(answers), elsewhere

    def _remembered(self, question: str, version: str) -> _Held | None:
        held = self._held.get(question)
        if held is None:
            return None
        if held.version != version or held.until <= self._clock():
            self._drop(question)
            return None
        self._held.move_to_end(question)
        return held

    def _again(self, question: str, held: _Held) -> bytes:
        """Return a body from memory; from its second question on the other processes have it too."""
        self.stats.l1_hits += 1
        _L1.inc()
        self._share(question, held)
        return held.body

    def _share(self, question: str, held: _Held) -> None:
        if held.shared:
            return
        held.shared = True
        marked = held.version.encode() + _BEHIND_VERSION + held.body
        with suppress(redis.RedisError):  # said when it was asked
            self._client().set(_PREFIX + question, marked, px=max(1, int((held.until - self._clock()) * 1000)))

    def _made(
        self,
        question: str,
        version: str,
        elsewhere: _Elsewhere,
        load: Callable[[], bytes],
        seconds: float | Callable[[], float],
    ) -> bytes:
        """Return the body that Redis has of a question, else what is loaded, and keep it for the time it has left."""
        until = self._clock() + (seconds() if callable(seconds) else seconds)
        found = self._from_redis(question, version, elsewhere)
        if found is None:
            body = self._load(load)
        else:
            body, left = found
            until = min(until, self._clock() + left)
        self._keep(question, _Held(version, until, body, shared=found is not None))
        return body

    def _from_redis(self, question: str, version: str, elsewhere: _Elsewhere) -> tuple[bytes, float] | None:
        """Return the body of what Redis has of a question and its seconds left; None where it is of another version."""
        if elsewhere is _NOT_ASKED:
            with suppress(redis.RedisError), self._client().pipeline(transaction=False) as pipe:
                _ask_elsewhere(pipe, question)
                elsewhere = _Elsewhere(*pipe.execute())
        marked, _, body = (elsewhere.marked or b"").partition(_BEHIND_VERSION)
        if marked != version.encode():
            return None
        self.stats.l2_hits += 1
        _L2.inc()
        return body, max(0, elsewhere.left_ms) / 1000

    def _load(self, load: Callable[[], bytes]) -> bytes:
        self.stats.total_misses += 1
        MISSES.inc()
        return load()

    def _keep(self, question: str, held: _Held) -> None:
        """Put a body into memory; one larger than all of that into Redis at once."""
        if len(held.body) > self._max_bytes:
            self._share(question, held)
            return
        with self._lock:
            self._drop(question)
            self._held[question] = held
            self._bytes += len(held.body)
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._held)))

    def _end(self, question: str, version: str | None) -> "Future[bytes]":
        """End the loading of a question."""
        with self._lock:
            return self._loading.pop((question, version))

    def _drop(self, question: str) -> None:
        held = self._held.pop(question, None)
        self._bytes -= len(held.body) if held else 0
