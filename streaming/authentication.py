"""Who is at the other end of a socket; an app above this one knows, and registers its answer in ready()."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class Principal(Protocol):
    """What streaming must know of a client."""

    @property
    def user_id(self) -> int:
        """Primary key of the user."""

    @property
    def username(self) -> str:
        """Name, for logs."""

    @property
    def expires_at(self) -> int:
        """When the credentials end, Unix seconds."""


class Unavailable(Exception):
    """Nobody can say now who this is: whoever keeps the accounts does not answer."""


Authenticator = Callable[[dict[str, Any]], Awaitable[Principal | None]]

_registered: list[Authenticator] = []


def register(authenticator: Authenticator) -> None:
    """Make `authenticator(scope)` decide: None for whoever may not come in, Unavailable where that cannot be said.

    The last one registered counts.
    """
    _registered[:] = [authenticator]


async def authenticate(scope: dict[str, Any]) -> Principal | None:
    """Ask the registered authenticator; RuntimeError where no app registered one, so that nobody comes in."""
    if not _registered:
        raise RuntimeError("no authenticator is registered: see streaming.authentication.register")
    return await _registered[0](scope)
