"""Whom a request or a socket belongs to, and what that one may."""

from dataclasses import dataclass, field

from streaming.authentication import Refused, Unavailable

__all__ = ["ACCOUNTS", "KEY", "MARKET", "SCOPES", "STRATEGIES", "TOKEN", "Principal", "Refused", "Unavailable"]

# What a credential may be good for. Tokens and tickets are good for all of it, API keys for what they were given.
MARKET, STRATEGIES, ACCOUNTS = "market", "strategies", "accounts"
SCOPES = (MARKET, STRATEGIES, ACCOUNTS)
# How `Principal.credential` begins.
TOKEN, KEY = "token:", "key:"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is at the other end.

    `expires_at` (Unix seconds) is when the credential ends. `credential` names it without giving it away
    (`token:<jti>`, `key:<prefix>`); `password_mark` is that of the password a token was issued under.
    """

    user_id: int
    username: str
    is_staff: bool
    tier: str
    expires_at: int
    credential: str
    scopes: frozenset[str] = frozenset(SCOPES)
    password_mark: str = field(default="", repr=False)

    # What Django REST framework asks of a user.
    is_authenticated = True
    is_anonymous = False

    @property
    def is_person(self) -> bool:
        """Return whether a token was presented, which a password had opened, and not an API key."""
        return self.credential.startswith(TOKEN)

    @property
    def pk(self) -> int:
        """Return the user's primary key."""
        return self.user_id
