"""Whether the feed of a market has fallen silent: asked for sockets, so that nobody takes old numbers for live ones."""

from collections.abc import Collection, Mapping

import redis
from channels.db import database_sync_to_async
from django.conf import settings

from fo_analytics.domain.calendar import from_ms, to_ms
from fo_analytics.ingest.heartbeat import Heartbeat, read_heartbeat
from fo_analytics.models import Underlying
from fo_analytics.selectors.reference import calendar, find_underlying
from streaming.protocol import Reason
from streaming.ticker.stream import shard_of
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.redis import shared_client

# An index that trades ticks many times a second, and so does an exchange. Ingest says once a second when it heard last.
SILENT_MS = 2_000
# Nothing of a share, its future and all its options for as long as a spot may be used.
ILLIQUID_MS = 60_000


async def stale_markets(symbols: Collection[str]) -> Mapping[str, Reason]:
    """Return those of some underlyings whose numbers are old, and why. Raises django.db.Error."""
    return await database_sync_to_async(silent_markets, thread_sensitive=False)(symbols)


def silent_markets(symbols: Collection[str], *, clock: Clock = now_ms) -> dict[str, Reason]:
    """Return the underlyings of which nothing is heard, and why; Redis away is silence, unknown ones are left out.

    An index is silent after two seconds without a tick of it or its contracts; a share after two without any of its
    exchange, and illiquid after a minute without one of its own. `market_closed` is every market outside of its
    session, and one whose session has just begun and did not speak yet.
    """
    now, beats = clock(), {}
    found: dict[str, Reason] = {}
    for symbol in symbols:
        try:
            underlying = find_underlying(name=symbol)
        except InvalidRequest:
            continue
        shard = shard_of(symbol, shards=settings.TICK_SHARDS)
        if shard not in beats:
            beats[shard] = _beat(shard)
        if reason := _reason(underlying, beats[shard], now):
            found[symbol] = reason
    return found


def _beat(shard: int) -> Heartbeat | None:
    try:
        return read_heartbeat(shared_client(), shard=shard)
    except redis.RedisError:
        return None


def _reason(underlying: Underlying, beat: Heartbeat | None, now: int) -> Reason | None:
    session = calendar(exchange=underlying.exchange).session_at(from_ms(now))
    if session is None:
        return "market_closed"
    opened = max(to_ms(part.opens_at) for part in session.intervals if to_ms(part.opens_at) <= now)
    own = beat.heard_of.get(underlying.symbol, 0) if beat else 0
    heard = own if underlying.is_index or beat is None else beat.heard.get(underlying.exchange, 0)
    if now - max(opened, heard) > SILENT_MS:
        return "feed_silent"
    if heard < opened:
        return "market_closed"
    # One that was never heard by this ingest says nothing of itself: it may have begun a moment ago.
    return "illiquid" if own and now - max(opened, own) > ILLIQUID_MS else None
