"""Time that goes on when told."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Call:
    """Something to be called at a time."""

    at: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Do not call any more."""
        self.cancelled = True


class Timeline:
    """What an event loop knows of time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._calls: list[Call] = []

    def time(self) -> float:
        """Return the seconds gone by."""
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Call:
        """Call back in so many seconds."""
        call = Call(self._now + delay, callback)
        self._calls.append(call)
        return call

    def go_on(self, seconds: float) -> None:
        """Let time pass, calling what is due in order."""
        until = self._now + seconds
        while due := [call for call in self._calls if call.at <= until and not call.cancelled]:
            call = min(due, key=lambda one: one.at)
            self._calls.remove(call)
            self._now = call.at
            call.callback()
        self._now = until
