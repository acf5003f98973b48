"""Whether a user may still come in: remembered for a moment, so that nothing is asked of the database per request."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import User
from accounts.principal import Refused
from tradingviz.core import cache

# For so long another process goes on believing in somebody who was sent away here.
REMEMBERED_S = 2.0
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an active user; `password_mark` is that of tokens issued under today's password."""

    user_id: int
    username: str
    is_staff: bool
    tier: str
    password_mark: str
    ended: frozenset[str]  # access tokens (jti) that were logged out before their time

    def check(self, *, jti: str, password_mark: str) -> None:
        """Raise Refused for a token that was logged out, or issued under another password."""
        if jti in self.ended:
            raise Refused("the token was logged out")
        if password_mark != self.password_mark:
            raise Refused("the password has changed since")


def demanded(standing: Standing | None) -> Standing:
    """Return the standing of a user who may come in; raise Refused where there is none."""
    if standing is None:
        raise Refused("the user does not exist or is not active")
    return standing


class Standings:
    """Standings by user id. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[int, tuple[float, Standing | None]] = OrderedDict()

    def held(self, user_id: int) -> Standing | None:
        """Return a remembered standing without asking the database; raise KeyError where it must be asked.

        None is a user who may not come in.
        """
        with self._lock:
            read_at, standing = self._held[user_id]
        if cache.monotonic() - read_at > REMEMBERED_S:
            raise KeyError(user_id)
        return standing

    def of(self, user_id: int) -> Standing:
        """Return a user's standing; raise Refused for one who is gone or deactivated. May ask the database."""
        try:
            standing = self.held(user_id)
        except KeyError:
            standing = self.read([user_id]).get(user_id)
        return demanded(standing)

    def read(self, user_ids: Iterable[int]) -> dict[int, Standing]:
        """Read standings in two statements and remember them; who is gone or deactivated is not among them."""
        wanted = set(user_ids)
        read_at = cache.monotonic()
        found = _stored(wanted)
        with self._lock:
            for user_id in wanted:
                self._held.pop(user_id, None)
                self._held[user_id] = (read_at, found.get(user_id))
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        return found

    def forget(self, user_id: int) -> None:
        """Ask again with the next request of this user."""
        with self._lock:
            self._held.pop(user_id, None)

    def forget_all(self) -> None:
        """Ask again for everybody."""
        with self._lock:
            self._held.clear()


def _stored(user_ids: set[int]) -> dict[int, Standing]:
    ended: dict[int, set[str]] = {}
    blacklisted = BlacklistedToken.objects.filter(token__user_id__in=user_ids, token__expires_at__gt=timezone.now())
    for user_id, jti in blacklisted.values_list("token__user_id", "token__jti"):
        ended.setdefault(user_id, set()).add(jti)
    users = User.objects.filter(pk__in=user_ids, is_active=True)
    return {
        pk: Standing(pk, name, staff, tier, get_md5_hash_password(password), frozenset(ended.get(pk, ())))
        for pk, name, staff, tier, password in users.values_list("pk", "username", "is_staff", "tier", "password")
    }


standings = Standings()
