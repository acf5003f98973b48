"""How often a client may speak."""

from collections import deque


class RateWindow:
    """At most `limit` events in any `period` seconds."""

    __slots__ = ("_limit", "_period", "_times")

    def __init__(self, limit: int, period: float = 1.0) -> None:
        self._limit = limit
        self._period = period
        self._times: deque[float] = deque(maxlen=limit)

    def allow(self, now: float) -> bool:
        """Count an event at `now` (seconds, never going back); False where it is one too many."""
        if len(self._times) == self._limit and now - self._times[0] < self._period:
            return False
        self._times.append(now)
        return True
