"""Why a connection ended, and which refusals pass."""

from dataclasses import dataclass

from tradingviz_client.backoff import Next

_PASSING = frozenset({"internal", "not_available"})


@dataclass(frozen=True, slots=True)
class Ended:
    """What to do next, why in words, and the seconds to wait at least."""

    then: Next
    reason: str
    floor: float = 0.0


def passing(code: str) -> bool:
    """Return whether a request that was refused with this code may be met later."""
    return code in _PASSING
