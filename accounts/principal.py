"""Whom a request or a socket belongs to, and what that one may."""

from dataclasses import dataclass

# What a credential may be good for. Access tokens and tickets are good for all of it, API keys for what they were given.
MARKET, STRATEGIES, ACCOUNTS = "market", "strategies", "accounts"
SCOPES = (MARKET, STRATEGIES, ACCOUNTS)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is at the other end.

    `expires_at` (Unix seconds) is when the credential ends; `credential` names it without giving it away
    (`token:<jti>`, `key:<prefix>`), for logs and for ending what it opened.
    """

    user_id: int
    username: str
    is_staff: bool
    tier: str
    expires_at: int
    credential: str
    scopes: frozenset[str] = frozenset(SCOPES)

    # What Django REST framework asks of a user.
    is_authenticated = True
    is_anonymous = False

    @property
    def pk(self) -> int:
        """Return the user's primary key."""
        return self.user_id


class Refused(Exception):
    """A credential that opens nothing; the message says why, to whoever presented it."""


class Unavailable(Exception):
    """Nobody can say now whose a credential is: whoever keeps the accounts does not answer."""
