"""How soon a process which failed is started again, and when to give up."""

from dataclasses import dataclass

LONGEST_PAUSE = 30.0
STABLE_SECONDS = 60.0
MOST_FAILURES = 6


@dataclass(slots=True)
class Backoff:
    """Pauses of 1, 2, 4, … seconds, at most 30; forgotten after a process ran for a minute."""

    failures: int = 0

    def after(self, lived: float) -> float | None:
        """Seconds to wait after a failure of a process that lived so many seconds; None: give up."""
        self.failures = 1 if lived >= STABLE_SECONDS else self.failures + 1
        if self.failures > MOST_FAILURES:
            return None
        return float(min(LONGEST_PAUSE, 2.0 ** (self.failures - 1)))
