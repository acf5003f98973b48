"""The ticks of the last minutes, held or not: of a leg ingest hears only moments after it was entered."""

from collections import deque
from collections.abc import Iterator

from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.ticks import Ticks
from fo_analytics.ingest.desk import Desk

MAX_TICKS = 500_000  # 36 MB
KEPT_MINUTES = 2


class RecentTicks:
    """Batches of ticks as they came. `whole_from_ms`: from this instant on (ms UTC) none is missing."""

    def __init__(self) -> None:
        self.whole_from_ms = 0
        self._parts: deque[tuple[int, Desk, Ticks]] = deque()
        self._count = 0
        self._newest_ms = 0

    def clear(self) -> None:
        """Forget all of them."""
        self._parts.clear()
        self.whole_from_ms = self._count = self._newest_ms = 0

    def add(self, desk: Desk, ticks: Ticks) -> None:
        """Keep ticks, and let go of those that are too old or too many."""
        if not len(ticks):
            return
        newest = int(ticks.ts.max())
        if not self._newest_ms:
            # What is not acknowledged came again: all of the minute that is open.
            self.whole_from_ms = newest - newest % MINUTE_MS
        self._parts.append((newest, desk, ticks))
        self._count += len(ticks)
        self._newest_ms = max(self._newest_ms, newest)
        oldest = self._newest_ms - self._newest_ms % MINUTE_MS - (KEPT_MINUTES - 1) * MINUTE_MS
        while self._parts and (self._count > MAX_TICKS or self._parts[0][0] < oldest):
            ended, _, dropped = self._parts.popleft()
            self._count -= len(dropped)
            self.whole_from_ms = max(self.whole_from_ms, ended - ended % MINUTE_MS + MINUTE_MS)

    def of(self, desk: Desk) -> Iterator[Ticks]:
        """Return the ticks of a desk."""
        return (ticks for _, own, ticks in self._parts if own is desk)
