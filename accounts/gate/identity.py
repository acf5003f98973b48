"""From a credential to its principal: an access token, an API key, or a ticket."""

import time
from collections.abc import Collection
from dataclasses import dataclass

import redis
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from accounts import api_keys, tickets
from accounts.gate.credentials import Credential
from accounts.principal import KEY, TOKEN, Principal, Refused, Unavailable
from accounts.standing import Standing, demanded, standings
from accounts.tokens import Claims, read_access_token


@dataclass(frozen=True, slots=True)
class Identity:
    """What came of looking at a credential: a principal, or the trouble with it, or neither where there was none."""

    principal: Principal | None = None
    trouble: Refused | Unavailable | None = None


NOBODY = Identity()


async def identity_of(credential: Credential | None) -> Identity:
    """Return what came of a credential; raises nothing."""
    if credential is None:
        return NOBODY
    try:
        if credential.ticket:
            return Identity(await _ticket_holder(credential.text))
        return Identity(await identify_soon(credential.text))
    except (Refused, Unavailable) as trouble:
        return Identity(trouble=trouble)


def may_be_guess(credential: Credential) -> bool:
    """Return whether only the database can tell a credential from a guess: an API key that was not seen here before."""
    return not credential.ticket and credential.text.startswith(api_keys.MARK) and api_keys.keys.is_new(credential.text)


def identify(text: str) -> Principal:
    """Return whose an access token or API key is; raise Refused or Unavailable. May ask the database."""
    try:
        if text.startswith(api_keys.MARK):
            return api_keys.keys.of(text)
        claims = read_access_token(text, now=time.time())
        return _principal(claims, standings.of(claims.user_id))
    except DatabaseError as error:
        raise Unavailable("the database does not answer") from error


async def identify_soon(text: str) -> Principal:
    """Do the same on the event loop: what is remembered is answered at once, all else in a thread."""
    try:
        return _remembered(text)
    except KeyError:
        return await database_sync_to_async(identify, thread_sensitive=False)(text)


def review(principals: Collection[Principal]) -> frozenset[Principal]:
    """Return those who may not stay: gone, deactivated, logged out, their password changed, their key revoked.

    A constant number of statements. Raises Unavailable.
    """
    try:
        known = standings.read({one.user_id for one in principals})
        live = api_keys.live_prefixes({_key(one) for one in principals if not one.is_person})
    except DatabaseError as error:
        raise Unavailable("the database does not answer") from error
    return frozenset(one for one in principals if not _may_stay(one, known.get(one.user_id), live))


class SocketGatekeeper:
    """What streaming asks about open sockets."""

    async def identify(self, text: str) -> Principal:
        """Return whose an access token or API key is; raise Refused or Unavailable."""
        return await identify_soon(text)

    async def review(self, principals: Collection[Principal]) -> frozenset[Principal]:
        """Return those who may not stay; raise Unavailable."""
        return await database_sync_to_async(review, thread_sensitive=False)(principals)


def _may_stay(one: Principal, standing: Standing | None, live_keys: Collection[str]) -> bool:
    if standing is None:
        return False
    if not one.is_person:
        return _key(one) in live_keys
    try:
        standing.check(jti=one.credential.removeprefix(TOKEN), password_mark=one.password_mark)
    except Refused:
        return False
    return True


def _key(one: Principal) -> str:
    return one.credential.removeprefix(KEY)


async def _ticket_holder(text: str) -> Principal:
    try:
        holder = await tickets.redeem(text)
    except redis.RedisError as error:
        raise Unavailable("Redis does not answer") from error
    if await database_sync_to_async(review, thread_sensitive=False)([holder]):
        raise Refused("who asked for the ticket may not come in any more")
    return holder


def _remembered(text: str) -> Principal:
    """Return a principal without asking the database; raise KeyError where it must be asked."""
    if text.startswith(api_keys.MARK):
        return api_keys.keys.held(text)
    claims = read_access_token(text, now=time.time())
    return _principal(claims, demanded(standings.held(claims.user_id)))


def _principal(claims: Claims, standing: Standing) -> Principal:
    standing.check(jti=claims.jti, password_mark=claims.password_mark)
    return Principal(
        user_id=standing.user_id,
        username=standing.username,
        is_staff=standing.is_staff,
        tier=standing.tier,
        expires_at=claims.expires_at,
        credential=f"{TOKEN}{claims.jti}",
        password_mark=claims.password_mark,
    )
