"""How long to wait before coming again, and whether to. Pure."""

from dataclasses import dataclass
from enum import Enum

BAD_FRAMES = 4400
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_SLOW = 4408
TOO_MANY = 4429
DRAINING = 4503

# Seconds that the server's reason asks for at least.
_FLOORS = {TOO_SLOW: 1.0, TOO_MANY: 10.0, DRAINING: 1.0}
# Answers to a handshake that another attempt may change.
_PASSING = frozenset({408, 425, 429})


class Next(Enum):
    """What to do after a connection has ended."""

    RETRY = "retry"
    RENEW = "renew"  # with newer credentials
    FORBIDDEN = "forbidden"
    REJECTED = "rejected"


def after_close(code: int | None) -> Next:
    """Return what a close code means; None is a connection that broke, or never came about."""
    meanings = {UNAUTHENTICATED: Next.RENEW, FORBIDDEN: Next.FORBIDDEN, BAD_FRAMES: Next.REJECTED}
    return Next.RETRY if code is None else meanings.get(code, Next.RETRY)


def after_status(status: int) -> Next:
    """Return what an HTTP status in place of a socket means."""
    if status == 401:
        return Next.RENEW
    return Next.FORBIDDEN if 400 <= status < 500 and status not in _PASSING else Next.RETRY


def floor_of(code: int | None) -> float:
    """Return the seconds to wait at least after a close code."""
    return 0.0 if code is None else _FLOORS.get(code, 0.0)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow by `factor` from `first` to `longest` seconds, each of a random length."""

    first: float = 0.25
    factor: float = 2.0
    longest: float = 5.0

    def delay(self, failures: int, chance: float, floor: float = 0.0) -> float:
        """Return the seconds to wait after so many failures in a row (1 or more), `chance` being in [0, 1).

        Between half the grown delay and all of it; at least `floor`, stretched by up to a half so that those who were
        sent away together do not come back together.
        """
        # The exponent is bounded: what is far beyond `longest` need not be computed, and might overflow.
        grown = min(self.longest, self.first * self.factor ** min(failures - 1, 32))
        return max(grown * (1 + chance) / 2, floor * (1 + chance / 2))
