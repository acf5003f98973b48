"""Answers remembered in this process for a while: reference data that staff change now and then."""

import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_all_stores: list[dict[Any, Any]] = []


def remembered(*, seconds: float) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Keep a function's answers per keyword arguments for `seconds`; what raises is not kept."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        store: dict[Any, tuple[float, T]] = {}
        lock = threading.Lock()
        _all_stores.append(store)

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (args, tuple(sorted(kwargs.items())))
            with lock:
                held = store.get(key)
            if held is not None and time.monotonic() - held[0] < seconds:
                return held[1]
            answer = function(*args, **kwargs)
            with lock:
                store[key] = (time.monotonic(), answer)
            return answer

        return ask

    return decorate


def forget_all() -> None:
    """Drop every remembered answer of this process."""
    for store in _all_stores:
        store.clear()
