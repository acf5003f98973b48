"""Whether the feed of a market has fallen silent: asked for sockets, so that nobody takes old numbers for live ones."""

from collections.abc import Collection, Mapping

import redis
from channels.db import database_sync_to_async
from django.conf import settings

from fo_analytics.domain.calendar import from_ms, to_ms
from fo_analytics.ingest.heartbeat import Heartbeat, read_heartbeat
from fo_analytics.selectors.reference import calendar, find_underlying
from streaming.protocol import Reason
from streaming.ticker.stream import shard_of
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.redis import shared_client

# A market that trades ticks many times a second. Ingest says once a second when it heard last.
SILENT_MS = 2_000


async def stale_markets(symbols: Collection[str]) -> Mapping[str, Reason]:
    """Return those of some underlyings whose feed is silent while their exchange trades. Raises django.db.Error."""
    return await database_sync_to_async(silent_markets, thread_sensitive=False)(symbols)


def silent_markets(symbols: Collection[str], *, clock: Clock = now_ms) -> dict[str, Reason]:
    """Return the underlyings of which nothing was heard for two seconds of the session. Redis away is silence."""
    now, beats = clock(), {}
    silent: dict[str, Reason] = {}
    for symbol in symbols:
        exchange = find_underlying(name=symbol).exchange
        shard = shard_of(symbol, shards=settings.TICK_SHARDS)
        if shard not in beats:
            beats[shard] = _beat(shard)
        if _silent_ms(exchange, beats[shard], now) > SILENT_MS:
            silent[symbol] = "feed_silent"
    return silent


def _beat(shard: int) -> Heartbeat | None:
    try:
        return read_heartbeat(shared_client(), shard=shard)
    except redis.RedisError:
        return None


def _silent_ms(exchange: str, beat: Heartbeat | None, now: int) -> int:
    """Return for how long nothing was heard of an exchange that trades now; 0 where it does not trade."""
    session = calendar(exchange=exchange).session_at(from_ms(now))
    if session is None:
        return 0
    opened = max(to_ms(part.opens_at) for part in session.intervals if to_ms(part.opens_at) <= now)
    return now - max(opened, beat.heard.get(exchange, 0) if beat else 0)
