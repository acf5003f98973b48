"""What a subscriber gets that does not keep up: the latest, never a hole, never a queue without end."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Message = TypeVar("Message")

CAPACITY = 16


class Slot(Generic[Message]):
    """The place a topic has in a subscriber's outbox.

    Holds at most `capacity` unsent deltas. One more makes the subscriber *behind*: all are dropped, and what it takes
    next is a snapshot of that moment, which every later delta continues.
    """

    __slots__ = ("_behind", "_capacity", "_pending", "_snapshot")

    def __init__(self, snapshot: Callable[[], Message | None], *, capacity: int = CAPACITY) -> None:
        self._snapshot = snapshot
        self._capacity = capacity
        self._pending: deque[Message] = deque()
        self._behind = True

    def offer(self, delta: Message) -> None:
        """Put the delta that follows everything offered so far."""
        if self._behind:
            return
        if len(self._pending) < self._capacity:
            self._pending.append(delta)
        else:
            self.reset()

    def resume(self, missed: Sequence[Message]) -> None:
        """Go on where a former subscriber stood: with what it missed, in order, however much that is."""
        self._behind = False
        self._pending = deque(missed)
        self._capacity += len(missed)

    def reset(self) -> None:
        """What comes next does not continue what was sent: a snapshot must."""
        self._pending.clear()
        self._behind = True

    def take(self) -> Message | None:
        """Return what to send now, None where there is nothing (yet)."""
        if not self._behind:
            return self._pending.popleft() if self._pending else None
        snapshot = self._snapshot()
        self._behind = snapshot is None
        return snapshot
