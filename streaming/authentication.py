"""Who is at the other end of a socket. The gate around this application knows, and says so in the scope:

`identity` is an Identity, `gatekeeper` a Gatekeeper, `crowded` true for a socket that is one too many, `subprotocol`
what to accept.
"""

from collections.abc import Collection
from typing import Any, Protocol


class Principal(Protocol):
    """What streaming must know of a client. Hashable."""

    @property
    def user_id(self) -> int:
        """Primary key of the user."""

    @property
    def username(self) -> str:
        """Name, for logs."""

    @property
    def expires_at(self) -> int:
        """When the credentials end, Unix seconds."""

    @property
    def scopes(self) -> Collection[str]:
        """What the credentials are good for."""


class Refused(Exception):
    """A credential that opens nothing; the message says why, to whoever presented it."""


class Unavailable(Exception):
    """Nobody can say now whose a credential is: whoever keeps the accounts does not answer."""


class Identity(Protocol):
    """What came of the credentials of a handshake: a principal, or the trouble with them, or neither."""

    @property
    def principal(self) -> Principal | None:
        """Who it is."""

    @property
    def trouble(self) -> Refused | Unavailable | None:
        """Why that is not known."""


class Gatekeeper(Protocol):
    """Judges the credentials of sockets that are open."""

    async def identify(self, text: str) -> Principal:
        """Return whose an access token or API key is; raise Refused or Unavailable."""

    async def review(self, principals: Collection[Any]) -> Collection[Any]:
        """Return those of open sockets that may not stay; raise Unavailable."""
