"""A circuit breaker: who keeps failing is left alone for a while, then asked once."""

from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half_open"]


@dataclass(slots=True)
class CircuitBreaker:
    """Closed: calls pass. Open, after `failures` in a row: none passes for `rest` seconds. Half open: one passes, and
    its end closes or opens it.

    All instants are seconds of one clock that never goes back. A probe without an end is given up after `rest` seconds.
    """

    failures: int = 5
    rest: float = 30.0
    _failed: int = 0
    _asked_at: float | None = None

    def state(self, now: float) -> State:
        """Return how it stands."""
        if self._failed < self.failures or self._asked_at is None:
            return "closed"
        return "open" if now - self._asked_at < self.rest else "half_open"

    def allow(self, now: float) -> bool:
        """Return whether a call may be made; where it is half open, this call is the probe."""
        state = self.state(now)
        if state == "half_open":
            self._asked_at = now  # so that others see it open until the probe ends
        return state != "open"

    def wait(self, now: float) -> float:
        """Return the seconds until a call may be made."""
        return 0.0 if self.state(now) != "open" or self._asked_at is None else self.rest - (now - self._asked_at)

    def succeeded(self) -> None:
        """Note a call that was answered."""
        self._failed, self._asked_at = 0, None

    def failed(self, now: float) -> None:
        """Note a call that was not."""
        self._failed += 1
        self._asked_at = now
