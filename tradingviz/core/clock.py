"""The wall clock, injected everywhere so that replayed time and live time run the same code."""

import time
from collections.abc import Callable

Clock = Callable[[], int]


def now_ms() -> int:
    """Return the wall clock in milliseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1_000_000
