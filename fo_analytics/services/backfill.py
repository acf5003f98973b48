"""Filling holes: candles of the ticker service go as ticks onto the stream, and ingest does the rest.

So there is one way in for live flow, late ticks and repair. Asking twice, or two at once, changes nothing more.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import islice

from django.conf import settings
from django.db.models import Min

from fo_analytics.domain.calendar import MINUTE_MS, Calendar, from_ms, ist_date
from fo_analytics.domain.holes import Hole
from fo_analytics.domain.repair import synthetic_ticks
from fo_analytics.models import BarCoverage, Underlying
from fo_analytics.selectors.holes import find_holes, repairables
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services import repairs
from fo_analytics.services.replay import ingest_is_alive
from streaming.ticker.client import TickerClient, TickerUnavailable
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import NobodyReads, TickProducer, shard_of
from tradingviz.core.redis import sync_client

logger = logging.getLogger(__name__)

BATCH = 1_000
SESSIONS_BEFORE = 2
FOLLOWED_FOR = timedelta(days=7)
BEHIND = 64  # batches: what ingest reads at once
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a hole: contracts asked about, candles received, minutes of it that have some, ticks sent."""

    underlying: str
    hole: Hole
    contracts: int
    candles: int
    filled: int
    ticks: int


def ticker_client() -> TickerClient:
    """Return this process's client of TICKER_SERVICE_URL: it remembers that the service failed a moment ago.

    Raises TickerUnavailable where that is off.
    """
    if settings.TICKER_SERVICE_URL is None:
        raise TickerUnavailable("there is no ticker service: TICKER_SERVICE_URL is off")
    return _client_of(settings.TICKER_SERVICE_URL)


@cache
def _client_of(url: str) -> TickerClient:
    return TickerClient(url)


def shard_carrying(underlying: Underlying) -> int:
    """Return the shard on which an underlying's ticks travel."""
    return shard_of(underlying.symbol, shards=settings.TICK_SHARDS)


def backfill(
    *, underlying: Underlying, first: date, last: date, now_ms: int, client: TickerClient
) -> Iterator[Outcome]:
    """Fill the holes from `first` to `last`, whenever they were asked for before; yields one outcome each.

    Ticks are on the stream when an outcome is yielded, not yet in the database. Raises TickerUnavailable, NobodyReads,
    redis.RedisError.
    """
    calendar = calendar_of(exchange=underlying.exchange)
    producer = TickProducer(sync_client(), shard=shard_carrying(underlying))
    work = _Work(underlying, calendar, client, producer, now_ms)
    holes = find_holes(underlying=underlying, calendar=calendar, first=first, last=last, now_ms=now_ms, simulated=True)
    for hole in holes:
        yield work.fill(hole)


def repair_holes(*, now_ms: int, client: TickerClient) -> int:
    """Fill what is due of today and the two sessions before; return the ticks sent.

    Of underlyings that were fed within the week before, and from their first such day on. One whose ingest is away or
    behind is left for later: what waits on the stream may fill the hole. Raises redis.RedisError.
    """
    calendars = cache(lambda exchange: calendar_of(exchange=exchange))
    sent = 0
    try:
        for underlying, since in _followed(now_ms):
            producer = TickProducer(sync_client(), shard=shard_carrying(underlying), patience=PATIENCE_S)
            if ingest_is_alive(shard=shard_carrying(underlying)) and producer.backlog() < BEHIND:
                work = _Work(underlying, calendars(underlying.exchange), client, producer, now_ms)
                sent += sum(outcome.ticks for outcome in work.fill_due(since))
    except (TickerUnavailable, NobodyReads) as error:
        logger.warning("holes wait: %s", error)
    return sent


def _followed(now_ms: int) -> list[tuple[Underlying, date]]:
    """Return the underlyings that were fed lately, each with the first day of it."""
    earliest = ist_date(from_ms(now_ms)) - FOLLOWED_FOR
    days = BarCoverage.objects.filter(date__gte=earliest).values_list("underlying").annotate(Min("date"))
    firsts: dict[int, date] = dict(days)
    return [(underlying, firsts[underlying.pk]) for underlying in Underlying.objects.filter(pk__in=firsts)]


@dataclass(frozen=True, slots=True)
class _Work:
    """An underlying under repair, as of an instant."""

    underlying: Underlying
    calendar: Calendar
    client: TickerClient
    producer: TickProducer
    now_ms: int

    def fill_due(self, since: date) -> Iterator[Outcome]:
        """Fill the holes of the last sessions that are due and that nobody else took."""
        today = ist_date(from_ms(self.now_ms))
        first = today
        for _ in range(SESSIONS_BEFORE):
            before = self.calendar.last_session_before(first)
            first = before.date if before else first
        holes = find_holes(
            underlying=self.underlying,
            calendar=self.calendar,
            first=max(first, since),
            last=today,
            now_ms=self.now_ms,
        )
        yield from (self._ask(hole) for hole in holes if self._claim(hole, only_due=True))

    def fill(self, hole: Hole) -> Outcome:
        """Fill a hole, due or not."""
        self._claim(hole, only_due=False)
        return self._ask(hole)

    def _claim(self, hole: Hole, *, only_due: bool) -> bool:
        return repairs.claim(underlying=self.underlying, hole=hole, now=from_ms(self.now_ms), only_due=only_due)

    def _ask(self, hole: Hole) -> Outcome:
        try:
            outcome = self._send(hole)
        except Exception:
            repairs.note_failure(underlying=self.underlying, hole=hole, now=from_ms(self.now_ms))
            raise
        repairs.note_answer(underlying=self.underlying, hole=hole, candles=outcome.candles, filled=outcome.filled)
        return outcome

    def _send(self, hole: Hole) -> Outcome:
        contracts = repairables(underlying=self.underlying, calendar=self.calendar, hole=hole)
        tokens = [contract.token for contract in contracts]
        found = self.client.history(tokens, from_ms=hole.from_ms, to_ms=hole.to_ms)
        missing = set(range(hole.first_ms, hole.last_ms + 1, MINUTE_MS))
        unknown = missing - {candle.ts for candles in found.values() for candle in candles}
        gap = max(unknown, default=None)
        rows = (
            row
            for contract in contracts
            for row in synthetic_ticks(contract, found.get(contract.token, ()), from_ms=hole.from_ms, gap_ms=gap)
        )
        return Outcome(
            underlying=self.underlying.symbol,
            hole=hole,
            contracts=len(contracts),
            candles=sum(map(len, found.values())),
            filled=len(missing - unknown),
            ticks=_send_in_batches(self.producer, rows),
        )


def _send_in_batches(producer: TickProducer, rows: Iterable[TickRow]) -> int:
    waiting = iter(rows)
    sent = 0
    while batch := list(islice(waiting, BATCH)):
        producer.send(batch, repairs=True)
        sent += len(batch)
    return sent
