"""Entries that were read and are not acknowledged yet."""

from streaming.ticker.stream import TickEntry

# Far below what producers let pile up before they wait or trim.
MAX_ENTRIES = 500


class Waiting:
    """Entries with the newest stamp (ms UTC) in each: once everything older is committed, they can go."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, TickEntry]] = []
        self._oldest_ms = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def is_full(self) -> bool:
        """Return whether so many wait that open minutes have to be committed, too."""
        return len(self._entries) >= MAX_ENTRIES

    def add(self, entry: TickEntry, *, newest_ms: int) -> None:
        """Note an entry."""
        self._oldest_ms = min(self._oldest_ms, newest_ms) if self._entries else newest_ms
        self._entries.append((newest_ms, entry))

    def has_any(self, *, before_ms: int) -> bool:
        """Return whether an entry is all older than an instant."""
        return bool(self._entries) and self._oldest_ms < before_ms

    def take(self, *, before_ms: int) -> list[TickEntry]:
        """Return, and forget, the entries that are all older than an instant."""
        taken = [entry for newest, entry in self._entries if newest < before_ms]
        self._entries = [(newest, entry) for newest, entry in self._entries if newest >= before_ms]
        self._oldest_ms = min((newest for newest, _ in self._entries), default=0)
        return taken

    def clear(self) -> None:
        """Forget all of them."""
        self._entries.clear()
