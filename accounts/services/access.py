"""What changes somebody's access: renewing, logging out, keys."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts import api_keys, audit
from accounts.audit import AnyRequest, Kind
from accounts.models import ApiKey, User
from accounts.principal import Refused
from accounts.standing import standings
from accounts.tokens import PASSWORD_MARK, AccessToken, RefreshToken, Replayed
from tradingviz.core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Pair:
    """An access and a refresh token, as text."""

    access: str
    refresh: str


def renew(*, refresh: str, request: AnyRequest | None = None) -> Pair:
    """Return a new pair for a refresh token, which is void from then on; of two who come at once one gets it.

    Raises rest_framework_simplejwt's TokenError for a token that is not valid, or Refused where its user is gone,
    deactivated, or has another password now. Who comes with a used one is recorded.
    """
    try:
        old = RefreshToken(refresh)  # type: ignore[arg-type]  # its annotation names its own class, text is what it reads
        user = _user_of(old)
        if not old.end():
            raise Replayed(user.pk)
    except Replayed as error:
        audit.record(Kind.REFRESH_REPLAYED, request=request, user=User.objects.filter(pk=error.user_id).first())
        raise
    new = RefreshToken.for_user(user)
    return Pair(str(new.access_token), str(new))


def _user_of(token: RefreshToken) -> User:
    user = User.objects.filter(pk=token[api_settings.USER_ID_CLAIM], is_active=True).first()
    if user is None or token.get(PASSWORD_MARK) != get_md5_hash_password(user.password):
        raise Refused("No active account found for the given token.")
    return user


def log_out(*, user_id: int, access: str, refresh: str, request: AnyRequest | None = None) -> None:
    """End a refresh token and the access token that was presented with it. Safe to repeat.

    Raises InvalidRequest where the refresh token is not one of this user's.
    """
    end_refresh_token(user_id=user_id, refresh=refresh)
    AccessToken(access).blacklist()  # type: ignore[arg-type]  # as above
    standings.forget(user_id)
    audit.record(Kind.LOGGED_OUT, request=request, user=User.objects.filter(pk=user_id).first())


def end_refresh_token(*, user_id: int, refresh: str) -> None:
    """Put a refresh token on the blacklist, where it may be already. Raises InvalidRequest for another user's."""
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]  # as above
        owner = int(token[api_settings.USER_ID_CLAIM])
    except Replayed as error:
        token, owner = None, error.user_id
    except (TokenError, KeyError, ValueError) as error:
        raise InvalidRequest("not a valid refresh token", field="refresh") from error
    if owner != user_id:
        raise InvalidRequest("not a valid refresh token", field="refresh")
    if token is not None:
        token.blacklist()


def check_new_key(*, user: User, expires_at: datetime | None) -> None:
    """Raise InvalidRequest for a key that would have expired already, and for a user who has too many."""
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidRequest("a time to come is needed", field="expires_at")
    if api_keys.usable().filter(user=user).count() >= api_keys.MOST_PER_USER:
        raise InvalidRequest(f"at most {api_keys.MOST_PER_USER} keys: revoke one first", field="name")


def create_key(
    *, user: User, name: str, scopes: list[str], expires_at: datetime | None, request: AnyRequest | None = None
) -> tuple[ApiKey, str]:
    """Make an API key; return it with its text, which nobody can tell again.

    Raises InvalidRequest as check_new_key does.
    """
    check_new_key(user=user, expires_at=expires_at)
    key, text = api_keys.create(user=user, name=name, scopes=scopes, expires_at=expires_at)
    audit.record(Kind.KEY_CREATED, request=request, user=user, prefix=key.prefix, scopes=key.scopes)
    return key, text


def revoke_key(*, key: ApiKey, request: AnyRequest | None = None, by: str = "") -> bool:
    """End a key; return whether it was in use until now. `by` names whoever does it for its user."""
    ended = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    api_keys.keys.forget(key.prefix)
    if ended:
        audit.record(Kind.KEY_REVOKED, request=request, user=key.user, prefix=key.prefix, by=by or key.user.username)
    return bool(ended)
