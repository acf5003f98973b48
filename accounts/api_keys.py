"""API keys: `tvk_<prefix>_<secret>`, known by the prefix, believed by the digest of the whole text."""

import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.principal import KEY, SCOPES, Principal, Refused
from accounts.standing import Standing, Standings, standings
from tradingviz.core import cache

MARK = "tvk_"
PREFIX_LENGTH = 8
# An active user's keys at most.
MOST_PER_USER = 50
# Unix seconds at the end of the year 9999: when a key ends that does not expire.
NEVER = 253_402_300_799

# For so long another process goes on believing in a key that was revoked here.
REMEMBERED_S = 2.0
MOST = 20_000
USED_EVERY = timedelta(minutes=1)

_PREFIX = re.compile(r"[a-z2-7]{8}")
_FORM = re.compile(rf"tvk_({_PREFIX.pattern})_[A-Za-z0-9_-]{{43}}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def create(*, user: User, name: str, scopes: Collection[str], expires_at: datetime | None) -> tuple[ApiKey, str]:
    """Store a new key; return it with its text, which nobody can tell again. `scopes` are of accounts.principal.SCOPES.

    Raises ValueError for a scope that is none.
    """
    if not scopes or set(scopes) - set(SCOPES):
        raise ValueError(f"scopes are some of {', '.join(SCOPES)}")
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))
    text = f"{MARK}{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        user=user, name=name, prefix=prefix, digest=_digest(text), scopes=sorted(set(scopes)), expires_at=expires_at
    )
    return key, text


def is_prefix(text: str) -> bool:
    """Return whether a text may be the prefix of a key."""
    return _PREFIX.fullmatch(text) is not None


def usable() -> QuerySet[ApiKey]:
    """Return the keys that are neither revoked nor expired; whether their users are active is not looked at."""
    return ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


def live_prefixes(prefixes: Collection[str]) -> set[str]:
    """Return those of some prefixes whose keys are neither revoked nor expired; one statement."""
    return set(usable().filter(prefix__in=prefixes).values_list("prefix", flat=True))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of a key. `expires_at` in Unix seconds."""

    prefix: str
    digest: str
    user_id: int
    scopes: frozenset[str]
    expires_at: int

    def is_of(self, text: str) -> bool:
        """Return whether a text is this key's."""
        return hmac.compare_digest(_digest(text), self.digest)

    def check(self, text: str) -> None:
        """Raise Refused where the text is not this key's, or its time has passed."""
        if not self.is_of(text):
            raise Refused("the API key is not valid")
        if self.expires_at <= time.time():
            raise Refused("the API key has expired")

    def principal(self, standing: Standing) -> Principal:
        """Return whom the key stands for."""
        return Principal(
            user_id=standing.user_id,
            username=standing.username,
            is_staff=standing.is_staff,
            tier=standing.tier,
            expires_at=self.expires_at,
            credential=f"{KEY}{self.prefix}",
            scopes=self.scopes,
        )


class Keys:
    """Keys by prefix, remembered for a moment, those that do not exist too. Thread-safe.

    Users are looked up in the standings: who is sent away there takes his keys along.
    """

    def __init__(self, users: Standings = standings) -> None:
        self._users = users
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[float, _Known | None]] = OrderedDict()

    def held(self, text: str) -> Principal:
        """Return whose a key is without asking the database; raise KeyError where it must be asked, or Refused."""
        known = _demand(self._remembered(_prefix(text)))
        known.check(text)
        standing = self._users.held(known.user_id)
        if standing is None:
            raise Refused("the user of the API key is not active")
        return known.principal(standing)

    def is_new(self, text: str) -> bool:
        """Return whether a text has a key's form and is none that was seen here before, however long ago."""
        form = _FORM.fullmatch(text)
        if form is None:
            return False
        with self._lock:
            _, known = self._held.get(form[1], (0.0, None))
        return known is None or not known.is_of(text)

    def of(self, text: str) -> Principal:
        """Return whose a key is; raise Refused for one that is unknown, revoked, expired, or of no active user.

        May ask the database, and write there that the key is used.
        """
        prefix = _prefix(text)
        try:
            known = _demand(self._remembered(prefix))
            known.check(text)
        except KeyError:
            known = self._read(prefix, text)
        return known.principal(self._users.of(known.user_id))

    def forget(self, prefix: str) -> None:
        """Ask again with the next request of this key."""
        with self._lock:
            self._held.pop(prefix, None)

    def forget_all(self) -> None:
        """Ask again for every key."""
        with self._lock:
            self._held.clear()

    def _remembered(self, prefix: str) -> _Known | None:
        with self._lock:
            read_at, known = self._held[prefix]
        if cache.monotonic() - read_at > REMEMBERED_S:
            raise KeyError(prefix)
        return known

    def _read(self, prefix: str, text: str) -> _Known:
        read_at = cache.monotonic()
        stored = ApiKey.objects.filter(prefix=prefix, revoked_at=None).first()
        known = _known(stored) if stored else None
        with self._lock:
            self._held.pop(prefix, None)
            self._held[prefix] = (read_at, known)
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        _demand(known).check(text)
        if stored:
            _note_use(stored)
        return _demand(known)


def _demand(known: _Known | None) -> _Known:
    if known is None:
        raise Refused("the API key is not valid")
    return known


def _prefix(text: str) -> str:
    """Return the prefix of a key's text; raise Refused for what is no key at all."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise Refused("the API key is not valid")
    return form[1]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _known(key: ApiKey) -> _Known:
    expires_at = NEVER if key.expires_at is None else int(key.expires_at.timestamp())
    return _Known(key.prefix, key.digest, key.user_id, frozenset(key.scopes), expires_at)


def _note_use(key: ApiKey) -> None:
    """Write when a key was used, where that was not done within the minute; whoever comes second writes nothing."""
    now = timezone.now()
    stale = now - USED_EVERY
    if key.last_used_at is None or key.last_used_at < stale:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=stale)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


keys = Keys()
