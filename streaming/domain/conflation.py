"""What a subscriber gets that does not keep up: the latest, never a hole, never a queue."""

from collections.abc import Callable
from typing import Generic, TypeVar

Message = TypeVar("Message")


class Slot(Generic[Message]):
    """The one place a topic has in a subscriber's outbox.

    Holds at most one unsent delta. A second one while the first still waits makes the subscriber *behind*:
    both are dropped, and what it takes next is a snapshot of that moment, which every later delta continues.
    """

    __slots__ = ("_behind", "_delta", "_snapshot")

    def __init__(self, snapshot: Callable[[], Message | None]) -> None:
        self._snapshot = snapshot
        self._delta: Message | None = None
        self._behind = True

    def offer(self, delta: Message) -> None:
        """Put the delta that follows everything offered so far."""
        if self._behind:
            return
        if self._delta is None:
            self._delta = delta
        else:
            self.reset()

    def reset(self) -> None:
        """What comes next does not continue what was sent: a snapshot must."""
        self._delta = None
        self._behind = True

    def take(self) -> Message | None:
        """Return what to send now, None where there is nothing (yet)."""
        if not self._behind:
            delta, self._delta = self._delta, None
            return delta
        snapshot = self._snapshot()
        self._behind = snapshot is None
        return snapshot
