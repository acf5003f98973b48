"""Which instruments anybody holds, and at which price they are valued: ingest keeps second marks of these alone.

The app that knows registers a provider. What it says is asked again whenever somebody notes that it changed, and
every half minute anyway.
"""

import logging
from collections.abc import Callable, Mapping
from enum import IntFlag

import redis

logger = logging.getLogger(__name__)

VERSION = "held:version"


class Kinds(IntFlag):
    """The prices that marks are wanted of: the last one, the mid, or both."""

    LAST = 1
    MID = 2


Provider = Callable[[], Mapping[int, int]]

_registered: list[Provider] = []


def register(provider: Provider) -> None:
    """Have `provider` say which instruments are held: Kinds by primary key. The last one registered counts."""
    _registered[:] = [provider]


def held() -> dict[int, int]:
    """Return the Kinds wanted of each held instrument, by primary key; nothing where nobody registered.

    Raises django.db.Error.
    """
    return dict(_registered[-1]()) if _registered else {}


def note_held_changed(client: redis.Redis) -> None:
    """Say that what is held changed; call it once that is committed. Redis away: it is found out within 30 s."""
    try:
        client.incr(VERSION)
    except redis.RedisError as error:
        logger.warning("ingest was not told of a change of what is held: %s", error)


def held_version(client: redis.Redis) -> int:
    """Return how often what is held was noted to have changed. Raises redis.RedisError."""
    return int(client.get(VERSION) or 0)
