"""Whether what is known of a market is old: asked for sockets, so that nobody takes old numbers for live ones.

Nothing here waits for PostgreSQL or Redis longer than a moment, and where one is away what was known last goes on to
count: what has to be told is then all the more worth telling.
"""

import asyncio
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from fo_analytics.domain.calendar import Calendar, from_ms, ist_date, to_ms
from fo_analytics.ingest.heard import LATE_MS, Heard, read_heard
from fo_analytics.models import Underlying
from fo_analytics.selectors.reference import calendar, find_underlying
from streaming.protocol import Reason
from streaming.ticker.stream import shard_of
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.probe import Probe, Silent
from tradingviz.core.redis import shared_client

# An index that trades ticks many times a second, and so does an exchange. Ingest says once a second when it heard last.
SILENT_MS = 2_000
# Nothing of a share, its future and all its options for as long as a spot may be used.
ILLIQUID_MS = 60_000

# A thread of its own: all others may be waiting for a database that hangs.
_thread = ThreadPoolExecutor(1, thread_name_prefix="silence")
_reference: Probe[None] = Probe("markets", patience=1.0, keep=0.0)
# Read anew with every look. What cannot be read stays, also where everything remembered is forgotten.
_markets: dict[str, tuple[Underlying, Calendar]] = {}
_heard: dict[int, Heard] = {}


async def stale_markets(symbols: Collection[str]) -> Mapping[str, Reason]:
    """Return those of some underlyings whose numbers are old, and why."""
    return await asyncio.get_running_loop().run_in_executor(_thread, silent_markets, symbols)


def silent_markets(symbols: Collection[str], *, clock: Clock = now_ms) -> dict[str, Reason]:
    """Return the underlyings of which what is known is old, and why; unknown ones are left out.

    In the session an index is silent after two seconds without a tick of it or its contracts; a share after two without
    any of its exchange, and illiquid after a minute without one of its own. Where ticks come and none of them is newer
    than five seconds, what they say is not what the market is (`data_quality`). Outside of the session, and until the
    next one has spoken, `market_closed` are those of which the end of the last one is not known.
    """
    with suppress(DatabaseError, Silent):
        _reference.answer(partial(_learn, symbols))
    now = clock()
    heard = {shard: _heard_by(shard) for shard in {_shard(symbol) for symbol in symbols}}
    found: dict[str, Reason] = {}
    for symbol in symbols:
        market = _markets.get(symbol)
        if market and (reason := _reason(*market, heard[_shard(symbol)], now)):
            found[symbol] = reason
    return found


def _learn(symbols: Collection[str]) -> None:
    """Take over what the database says of some underlyings. Raises django.db.Error."""
    try:
        for symbol in symbols:
            try:
                underlying = find_underlying(name=symbol)
            except InvalidRequest:
                _markets.pop(symbol, None)
            else:
                _markets[symbol] = underlying, calendar(exchange=underlying.exchange)
    finally:
        connections.close_all()  # this thread's own


def _shard(symbol: str) -> int:
    return shard_of(symbol, shards=settings.TICK_SHARDS)


def _heard_by(shard: int) -> Heard:
    with suppress(redis.RedisError):
        _heard[shard] = read_heard(shared_client(), shard=shard)
    return _heard.get(shard, Heard())


def _reason(underlying: Underlying, calendar: Calendar, heard: Heard, now: int) -> Reason | None:
    session = calendar.session_at(from_ms(now))
    if session is None:
        return _closed(underlying, calendar, heard, now)
    opened = max(to_ms(part.opens_at) for part in session.intervals if to_ms(part.opens_at) <= now)
    own = heard.underlyings.get(underlying.symbol, 0)
    spoke = own if underlying.is_index else heard.exchanges.get(underlying.exchange, 0)
    if now - max(opened, spoke) > SILENT_MS:
        return "feed_silent"
    if spoke < opened:
        return _closed(underlying, calendar, heard, opened)
    if own >= opened and heard.is_late(underlying.symbol):
        return "data_quality"
    return "illiquid" if own and now - max(opened, own) > ILLIQUID_MS else None


def _closed(underlying: Underlying, calendar: Calendar, heard: Heard, now: int) -> Reason | None:
    """Return whether an underlying fell silent before the market closed for the last time until now."""
    ended = _last_end(calendar, now)
    within = LATE_MS if underlying.is_index else ILLIQUID_MS
    return "market_closed" if heard.stamps.get(underlying.symbol, 0) < ended - within else None


def _last_end(calendar: Calendar, now: int) -> int:
    """Return when trading ended last (ms), 0 where nothing is known of any session."""
    today = ist_date(from_ms(now))
    session = calendar.session_on(today)
    ends = [to_ms(part.closes_at) for part in session.intervals] if session else []
    ends = [end for end in ends if end <= now]
    before = calendar.last_session_before(today)
    return max(ends) if ends else to_ms(before.closes_at) if before else 0
