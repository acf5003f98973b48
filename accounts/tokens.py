"""Access and refresh tokens: signed with the newest key, believed with any key of the ring."""

from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from accounts.principal import Refused

# A claim that says which password the token was issued under.
PASSWORD_MARK = api_settings.REVOKE_TOKEN_CLAIM


def key_id(key: str) -> str:
    """Return the public name of a signing key."""
    return sha256(key.encode()).hexdigest()[:8]


class KeyRing(TokenBackend):
    """Signs with the first key and writes its `kid` into the header; verifies with the key that `kid` names."""

    def __init__(self, keys: list[str], **options: Any) -> None:
        super().__init__(signing_key=keys[0], **options)
        self._keys = {key_id(key): self._prepare_key(key) for key in keys}
        self._kid = key_id(keys[0])

    def encode(self, payload: dict[str, Any]) -> str:
        """Return the signed token."""
        claims = payload | {"iss": self.issuer, "aud": self.audience}
        return jwt.encode(claims, self.prepared_signing_key, algorithm=self.algorithm, headers={"kid": self._kid})

    def get_verifying_key(self, token: Any) -> Any:
        """Return the key that signed a token, if it is one of ours."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError as error:
            raise TokenBackendError("Token is invalid") from error
        if kid not in self._keys:
            raise TokenBackendError("Token is invalid")
        return self._keys[kid]


@cache
def key_ring() -> KeyRing:
    """Return the ring of JWT_SECRET_KEY and, after it, JWT_PREVIOUS_SECRET_KEYS."""
    keys = [api_settings.SIGNING_KEY, *settings.JWT_PREVIOUS_SECRET_KEYS]
    options = {"algorithm": api_settings.ALGORITHM, "audience": api_settings.AUDIENCE, "issuer": api_settings.ISSUER}
    return KeyRing(keys, **options)


class AccessToken(simplejwt.AccessToken):
    """Opens the API for ten minutes. Whether it is on the blacklist is part of its user's standing."""

    @property
    def token_backend(self) -> TokenBackend:
        """Return our ring."""
        return key_ring()

    def blacklist(self) -> None:
        """End it before its time. The token itself is not stored."""
        about = {
            "user_id": int(self[api_settings.USER_ID_CLAIM]),
            "created_at": datetime_from_epoch(self["iat"]),
            "expires_at": datetime_from_epoch(self["exp"]),
        }
        outstanding, _ = OutstandingToken.objects.get_or_create(jti=self["jti"], defaults=about)
        BlacklistedToken.objects.get_or_create(token=outstanding)


class Replayed(TokenError):
    """A refresh token that was used, or logged out, before: `user_id` is whose it was."""

    def __init__(self, user_id: int) -> None:
        super().__init__("Token is blacklisted")
        self.user_id = user_id


class RefreshToken(simplejwt.RefreshToken):
    """Exchanged for a new pair, once."""

    access_token_class = AccessToken

    @property
    def token_backend(self) -> TokenBackend:
        """Return our ring."""
        return key_ring()

    def check_blacklist(self) -> None:
        """Raise Replayed for one that is on the blacklist."""
        try:
            super().check_blacklist()
        except TokenError as error:
            raise Replayed(int(self.payload.get(api_settings.USER_ID_CLAIM, 0))) from error

    def end(self) -> bool:
        """Put the token on the blacklist; return False where somebody else has just done so."""
        found: Any = self.blacklist()  # a row and whether it is new, whatever is annotated
        return bool(found[1])


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says. `expires_at` in Unix seconds; `password_mark` changes with the user's password."""

    user_id: int
    jti: str
    expires_at: int
    password_mark: str


# Verifying a signature again and again for the same text is most of what a request costs here.
@lru_cache(maxsize=4_096)
def _verified(raw: str) -> Claims:
    claims = key_ring().decode(raw)  # type: ignore[arg-type]  # its annotation names its own class, text is what it reads
    if claims.get(api_settings.TOKEN_TYPE_CLAIM) != AccessToken.token_type:
        raise Refused("this is not an access token")
    return Claims(
        int(claims[api_settings.USER_ID_CLAIM]), str(claims["jti"]), int(claims["exp"]), str(claims[PASSWORD_MARK])
    )


def read_access_token(raw: str, *, now: float) -> Claims:
    """Return what a token says; raise Refused where it is not ours, or its time has passed (`now`, Unix seconds)."""
    try:
        claims = _verified(raw)
    except TokenBackendExpiredToken as error:
        raise Refused("the token has expired") from error
    except (TokenBackendError, KeyError, ValueError, TypeError) as error:
        raise Refused("the token is not valid") from error
    if claims.expires_at <= now:
        raise Refused("the token has expired")
    return claims
