"""Asking neighbours without waiting for those that say nothing.

A stopped server still accepts connections, and no timeout of a socket covers all of a conversation. So a question is
asked in a thread, and who wants the answer waits only so long for it.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Any, Generic, TypeVar

from tradingviz.core.cache import forgettable

T = TypeVar("T")


class Silent(Exception):
    """The neighbour has not answered in time."""


class Probe(Generic[T]):
    """One question to one neighbour, asked by at most one thread at a time. Thread-safe.

    The function that asks must end by itself some time, whatever happens: until then nobody asks again.
    """

    def __init__(self, name: str, *, patience: float, keep: float) -> None:
        """Wait `patience` seconds for an answer; give an answer again for `keep` seconds without asking."""
        self._name = name
        self._patience = patience
        self._keep = keep
        self._lock = threading.Lock()
        self._last: dict[str, _Asked[T]] = forgettable({})

    def begin(self, ask: Callable[[], T]) -> "_Asked[T]":
        """Start to ask, unless it is being asked or the last answer is new enough."""
        with self._lock:
            held = self._last.get("asked")
            if held is None or held.is_older_than(self._keep):
                held = self._last["asked"] = _Asked(self._patience)
                threading.Thread(target=held.run, args=(ask,), name=f"probe-{self._name}", daemon=True).start()
            return held

    def answer(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns or raise what it raises; raise Silent where it takes longer than `patience`."""
        return self.begin(ask).result()


class _Asked(Generic[T]):
    """A question on its way, or with its answer."""

    def __init__(self, patience: float) -> None:
        self._deadline = time.monotonic() + patience
        self._future: Future[T] = Future()
        self._ended: float | None = None

    def run(self, ask: Callable[..., Any]) -> None:
        """Ask, in the thread made for it."""
        try:
            answer = ask()
        except BaseException as error:  # noqa: BLE001 - for whoever waits
            self._ended = time.monotonic()
            self._future.set_exception(error)
        else:
            self._ended = time.monotonic()
            self._future.set_result(answer)

    def is_older_than(self, seconds: float) -> bool:
        """Return whether the answer came longer ago; what is not answered is not old."""
        return self._ended is not None and time.monotonic() - self._ended >= seconds

    def result(self) -> T:
        """Wait for the answer up to the deadline, which counts from the asking. Raises Silent."""
        try:
            return self._future.result(max(0.0, self._deadline - time.monotonic()))
        except NotYet:
            if self._future.done():  # the neighbour's own TimeoutError
                raise
            raise Silent from None
