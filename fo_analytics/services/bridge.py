"""The bridge: the earlier ticker service's Pub/Sub messages become ticks on the streams that ingest reads.

Pub/Sub forgets what nobody takes at once, so the bridge reads all the time and keeps what it cannot hand over yet, up
to a bound. A batch whose answer was lost is sent again: the same ticks twice change nothing.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.domain.symbols import canonical
from fo_analytics.models import Instrument, MasterImport
from fo_analytics.replay.recording import ContractKey, UnknownRecording
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.bridge import PATTERNS, BridgedTick, MalformedMessage, parse
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import NobodyReads, TickProducer, shard_of
from tradingviz.core.logging import OncePerKind
from tradingviz.core.redis import sync_client

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1
BATCH_TICKS = 500
MAX_UNSENT = 100_000
POLL_SECONDS = 0.05
LONGEST_PAUSE = 2.0
ASK_AGAIN_SECONDS = 10.0
DATABASE_PAUSE = 1.0


class UnknownContract(LookupError):
    """The master has no such contract, and too little is known of it to add it. `kind`: how it is counted."""

    def __init__(self, kind: str, key: ContractKey) -> None:
        super().__init__(f"{kind}: {key}")
        self.kind = kind


class Directory:
    """Tokens of contracts, remembered; read anew after an import, asked again where the answer was: unknown."""

    def __init__(self) -> None:
        self._tokens: dict[ContractKey, int] = {}
        self._loaded: set[str] = set()
        self._unknown: dict[ContractKey, float] = {}
        self._looked = 0.0
        self._newest_import: int | None = None
        self._away_until = 0.0

    def token_of(self, key: ContractKey, *, ts: int) -> int:
        """Return the master's token; a contract that it lacks is added where the lot size is known.

        Contract and token name each other, so a sender's token is right exactly where it is this one. Raises
        UnknownContract, also where the database does not answer.
        """
        now = time.monotonic()
        if now < self._away_until:
            raise UnknownContract("database_away", key)
        try:
            return self._find(key, ts, now)
        except (OperationalError, InterfaceError) as error:
            connection.close()
            self._away_until = now + DATABASE_PAUSE
            raise UnknownContract("database_away", key) from error
        except (UnknownRecording, DatabaseError) as error:
            self._unknown[key] = now
            raise UnknownContract("unknown_contract", key) from error

    def _find(self, key: ContractKey, ts: int, now: float) -> int:
        self._look_for_imports(now)
        if key.underlying not in self._loaded:
            self._load(key.underlying)
        token = self._tokens.get(key)
        return self._add(key, ts, now) if token is None else token

    def _look_for_imports(self, now: float) -> None:
        if now - self._looked < ASK_AGAIN_SECONDS:
            return
        newest = MasterImport.objects.order_by("-pk").values_list("pk", flat=True).first()
        if newest != self._newest_import:
            self._tokens, self._loaded, self._unknown = {}, set(), {}
        self._newest_import, self._looked = newest, now

    def _load(self, symbol: str) -> None:
        rows = Instrument.objects.filter(underlying__symbol=symbol).order_by()
        for token, kind, expiry, strike in rows.values_list("token", "kind", "expiry", "strike"):
            self._tokens[ContractKey(symbol, kind, expiry, None if strike is None else float(strike))] = token
        self._loaded.add(symbol)

    def _add(self, key: ContractKey, ts: int, now: float) -> int:
        seen_on = ist_date(from_ms(ts))
        self._unknown = {held: at for held, at in self._unknown.items() if now - at < ASK_AGAIN_SECONDS}
        if key in self._unknown or (key.expiry is not None and key.expiry < seen_on):
            raise UnknownContract("unknown_contract", key)
        self._tokens |= ensure_instruments(keys=[key], seen_on=seen_on)
        return self._tokens[key]


class Outbox:
    """Ticks of one shard that wait to be sent: at most `limit`, the oldest give way."""

    def __init__(self, producer: TickProducer, *, limit: int) -> None:
        self._producer = producer
        self._rows: deque[TickRow] = deque(maxlen=limit)

    def __len__(self) -> int:
        """Return how many ticks wait."""
        return len(self._rows)

    def add(self, row: TickRow) -> int:
        """Keep a tick; return how many had to give way for it."""
        full = len(self._rows) == self._rows.maxlen
        self._rows.append(row)
        return int(full)

    def send(self) -> int:
        """Send all in batches; return how many went. Raises NobodyReads, redis.RedisError: the rest stays."""
        sent = 0
        while batch := list(islice(self._rows, BATCH_TICKS)):
            self._producer.send(batch)
            for _ in batch:
                self._rows.popleft()
            sent += len(batch)
        return sent


class Bridge:
    """Takes messages and hands ticks over, until stopped. `counts`: what was not handed over, by kind."""

    def __init__(
        self,
        connect: Callable[[], redis.Redis],
        *,
        shards: int,
        flush_seconds: float = FLUSH_SECONDS,
        max_unsent: int = MAX_UNSENT,
        max_backlog: int = 1_000,
    ) -> None:
        """`max_unsent` in ticks per shard; `max_backlog` in batches: a longer stream is not added to."""
        self._client = _without_retries(connect())
        self._subscription: Any = None
        self._directory = Directory()
        self._refused = OncePerKind(logger)
        self._shards = shards
        self._outboxes = [Outbox(self._producer(shard, max_backlog), limit=max_unsent) for shard in range(shards)]
        self._flush_seconds = flush_seconds
        self._flushed_at = time.monotonic()
        self._added = 0
        self._pause = 0.0
        self._stopping = False
        self.sent = 0

    def _producer(self, shard: int, max_backlog: int) -> TickProducer:
        # No patience: whoever waits for a reader loses messages meanwhile.
        return TickProducer(self._client, shard=shard, max_backlog=max_backlog, patience=0.0)

    @property
    def counts(self) -> dict[str, int]:
        """Return what was refused or lost, by kind."""
        return dict(self._refused.counts)

    @property
    def unsent(self) -> int:
        """Return how many ticks wait to be sent."""
        return sum(map(len, self._outboxes))

    def stop(self) -> None:
        """End after the current message; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until stopped, then hand over what is left."""
        while not self._stopping:
            self.work()
        self.close()

    def work(self) -> None:
        """Take one message, or wait a moment for one, and flush where it is due; with Redis away, pause."""
        try:
            self._step()
            self._pause = 0.0
        except redis.RedisError as error:
            self._refused.add("redis_away", error=str(error))
            self._unsubscribe()
            self._pause = min(max(0.1, self._pause * 2), LONGEST_PAUSE)
            time.sleep(self._pause)

    def close(self) -> None:
        """Take what has arrived already, send what can be sent, and let go of the subscription."""
        try:
            while self._take(0.0):
                pass
            self._flush()
        except redis.RedisError as error:
            logger.warning("the bridge ends while Redis is away: %s", error)
        self._refused.add("unsent_at_the_end", self.unsent)
        self._unsubscribe()

    def _step(self) -> None:
        self._take(POLL_SECONDS)
        waited = time.monotonic() - self._flushed_at
        if waited >= self._flush_seconds or self._added >= BATCH_TICKS:
            self._flush()

    def _take(self, seconds: float) -> bool:
        """Take one message; return whether there was one (a confirmation counts)."""
        message = self._subscribed().get_message(timeout=seconds)
        if message is None:
            return False
        if message["type"] == "pmessage":
            self._accept(message["channel"], message["data"])
        return True

    def _accept(self, channel: bytes, payload: bytes) -> None:
        try:
            tick = parse(channel, payload)
            key = ContractKey(canonical(tick.underlying), tick.kind, tick.expiry, tick.strike)
            self._put(key, tick)
        except MalformedMessage as error:
            self._refused.add(f"malformed_{error.kind}", reason=str(error))
        except UnknownContract as error:
            self._refused.add(error.kind, reason=str(error))

    def _put(self, key: ContractKey, tick: BridgedTick) -> None:
        token = self._directory.token_of(key, ts=tick.ts)
        outbox = self._outboxes[shard_of(key.underlying, shards=self._shards)]
        self._refused.add("too_many_unsent", outbox.add(tick.row(token)))
        self._added += 1

    def _flush(self) -> None:
        self._flushed_at, self._added = time.monotonic(), 0
        for outbox in self._outboxes:
            waiting = len(outbox)
            try:
                outbox.send()
            except NobodyReads as error:
                self._refused.add("nobody_reads", reason=str(error))
            except redis.ResponseError as error:
                # No room left, for example: messages still come, and are kept as for a full stream.
                self._refused.add("redis_refuses", reason=str(error))
            finally:
                self.sent += waiting - len(outbox)

    def _subscribed(self) -> Any:
        if self._subscription is None:
            subscription: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
            subscription.psubscribe(*PATTERNS)
            self._subscription = subscription
        return self._subscription

    def _unsubscribe(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None


def _without_retries(client: redis.Redis) -> redis.Redis:
    """Return the client with its silent retries off: they would hold up the reading of messages."""
    client.set_retry(Retry(NoBackoff(), 0))
    return client


def make_bridge() -> Bridge:
    """Return a bridge on the settings' Redis and shards."""
    return Bridge(sync_client, shards=settings.TICK_SHARDS)
