"""Redis clients, made from REDIS_URL; the only place that knows their time limits."""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

# Longer than any XREAD BLOCK of ours: redis-py's default of 5 s ends a quiet blocking read as an error.
SOCKET_TIMEOUT = 30.0
CONNECT_TIMEOUT = 3.0


def sync_client() -> redis.Redis:
    """Return a client with its own pool; bytes in, bytes out."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=SOCKET_TIMEOUT, socket_connect_timeout=CONNECT_TIMEOUT
    )


def async_client() -> redis.asyncio.Redis:
    """Return an asyncio client for the running event loop; bytes in, bytes out."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_timeout=SOCKET_TIMEOUT, socket_connect_timeout=CONNECT_TIMEOUT
    )


@cache
def shared_client() -> redis.Redis:
    """Return this process's client for short commands; it fails fast, because somebody waits for the answer.

    It tries once more, since a pooled connection may be one to a Redis of before a restart; by itself redis-py would
    try four times and pause between.
    """
    once = Retry(NoBackoff(), 1)
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0, retry=once)
