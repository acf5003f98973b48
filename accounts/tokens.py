"""Access tokens: one function says whose a token is, for REST and sockets alike."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.db import DatabaseError
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.tokens import AccessToken

from streaming.authentication import Unavailable


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is at the other end, and until when (Unix seconds)."""

    user_id: int
    username: str
    expires_at: int


def authenticate_access_token(raw: str) -> Principal:
    """Return the token's principal; raise AuthenticationFailed where it is not valid or its user may not sign in."""
    try:
        token = AccessToken(raw)  # type: ignore[arg-type]  # its annotation names its own class, text is what it reads
        user = JWTAuthentication().get_user(token)
    except (TokenError, InvalidToken) as error:
        raise AuthenticationFailed(str(error)) from error
    return Principal(user_id=user.pk, username=user.get_username(), expires_at=int(token["exp"]))


async def authenticate_scope(scope: dict[str, Any]) -> Principal | None:
    """Return the principal of a socket's `?token=`, None where there is none or it is not valid."""
    token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
    if not token:
        return None
    try:
        return await database_sync_to_async(authenticate_access_token, thread_sensitive=False)(token)
    except AuthenticationFailed:
        return None
    except DatabaseError as error:
        raise Unavailable from error
