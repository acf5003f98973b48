"""Redis clients, made from REDIS_URL; the only place that knows their time limits."""

import asyncio
from functools import cache
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from tradingviz.core.redis_line import RedisLine

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


_loop_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def loop_client() -> redis.asyncio.Redis:
    """Return the running event loop's client for short commands; it fails fast, because somebody waits for the answer.

    An answer that was lost is not asked for again: what was counted once would be counted twice. One connection for
    all: hundreds of requests at once must not open hundreds, and lending them from a pool costs as much as a command.
    """
    loop = asyncio.get_running_loop()
    if loop not in _loop_clients:
        _loop_clients[loop] = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            single_connection_client=True,
            socket_timeout=1.0,
            socket_connect_timeout=1.0,
            retry=AsyncRetry(NoBackoff(), 0),
        )
    return _loop_clients[loop]


_loop_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, RedisLine] = WeakKeyDictionary()


def loop_line() -> RedisLine:
    """Return the running event loop's line: for the command that every request waits for."""
    loop = asyncio.get_running_loop()
    if loop not in _loop_lines:
        _loop_lines[loop] = RedisLine(settings.REDIS_URL)
    return _loop_lines[loop]


async def close_loop_clients() -> None:
    """Close the running event loop's client and line; call it before the loop is closed."""
    loop = asyncio.get_running_loop()
    if line := _loop_lines.pop(loop, None):
        line.close()
    if client := _loop_clients.pop(loop, None):
        await client.aclose()


@cache
def shared_client() -> redis.Redis:
    """Return this process's client for short commands; it fails fast, because somebody waits for the answer.

    It tries once more, since a pooled connection may be one to a Redis of before a restart; by itself redis-py would
    try four times and pause between. One that says nothing is not asked again.
    """
    once = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0, retry=once)
