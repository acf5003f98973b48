"""What views have sent of late: a client that comes back within a minute misses nothing.

All views of a process have so much memory together. Beyond it, those that nobody follows lose what they sent, the one
longest left first; then whichever remembers most loses its oldest.
"""

from collections import deque
from typing import NamedTuple

from streaming.domain.sequencing import Position
from streaming.outbox import Message

RESUME_SECONDS = 65.0
# A minute of a whole chain of which everything changes ten times a second is 120 MB in JSON, 25 in columns.
ALL_HISTORY_BYTES = 256 << 20


class Sent(NamedTuple):
    """A delta as it went out: what it continues, when (the timer's seconds), and the message itself."""

    prev: Position
    at: float
    message: Message


class Shelf:
    """The histories of a process; `bytes` is what they hold together."""

    def __init__(self) -> None:
        self.bytes = 0
        self._histories: dict[History, None] = {}

    def put(self, history: "History") -> None:
        """Know a history."""
        self._histories[history] = None

    def remove(self, history: "History") -> None:
        """Know it no more."""
        self._histories.pop(history, None)

    def make_room(self) -> None:
        """Let histories forget until all of them have room."""
        while self.bytes > ALL_HISTORY_BYTES:
            left = [history for history in self._histories if history.idle_since is not None and history.bytes]
            if left:
                min(left, key=lambda history: history.idle_since or 0.0).clear()
            else:
                max(self._histories, key=lambda history: history.bytes).forget_oldest()


shelf = Shelf()


class History:
    """The deltas that one view has sent; `idle_since` (the timer's seconds) where nobody follows it."""

    def __init__(self) -> None:
        self.bytes = 0
        self.idle_since: float | None = None
        self._sent: deque[Sent] = deque()
        self._shelf = shelf
        shelf.put(self)

    def remember(self, sent: Sent) -> None:
        """Remember a delta, and forget what is too old, or too much for all together."""
        self._sent.append(sent)
        self._count(size_of(sent.message))
        while self._sent and self._sent[0].at < sent.at - RESUME_SECONDS:
            self.forget_oldest()
        self._shelf.make_room()

    def after(self, position: Position) -> list[Message] | None:
        """Return the messages after a position; None where what is remembered does not reach back to it."""
        for place, sent in enumerate(self._sent):
            if sent.prev == position:
                return [later.message for later in list(self._sent)[place:]]
        return None

    def forget_oldest(self) -> None:
        """Forget one delta."""
        self._count(-size_of(self._sent.popleft().message))

    def clear(self) -> None:
        """Forget all of them."""
        while self._sent:
            self.forget_oldest()

    def close(self) -> None:
        """Remember nothing any more."""
        self.clear()
        self._shelf.remove(self)

    def _count(self, size: int) -> None:
        self.bytes += size
        self._shelf.bytes += size


def size_of(message: Message) -> int:
    """Return how large a message is on the wire, nearly."""
    return len(message.get("bytes") or message.get("text") or "")
