"""The process that follows order updates: read, store, publish, acknowledge; again until told to stop.

Whatever goes wrong has one remedy: everything in memory is let go of, and what was not acknowledged is read again.
"""

import logging
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import redis
from django.db import Error as DatabaseError
from django.db import connection

from accounts.domain.orders import InvalidUpdate
from accounts.models import TradingAccount
from accounts.order_stream import Addressed, OrderReader, note_followed, read_entry
from accounts.selectors.orders import Rendered, order_documents
from accounts.services.orders import store_updates
from accounts.times import day_of, from_ms
from accounts.topics import orders_topic
from streaming.group import Entry
from streaming.publisher import Fenced, Plain, Publication, Publisher
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.redis import sync_client

logger = logging.getLogger(__name__)

MAX_ENTRIES_A_READ = 256
BLOCK_MS = 200
ACCOUNTS_AT_ONCE = 200
RETRY_SECONDS = 0.5
# How often it looks for accounts that were made, and says that it lives.
LOOK_SECONDS = 1.0
CONVENTION = "broker"
_LOCK = 0x7471  # of the whole process: one follows at a time


@dataclass(frozen=True, slots=True)
class Parts:
    """What the follower works with, made by `make_follower` (or a test)."""

    reader: OrderReader
    redis: redis.Redis
    clock: Clock = now_ms


def make_follower(*, clock: Clock = now_ms) -> "Follower":
    """Return the follower, wired to the settings' Redis and database."""
    return Follower(Parts(OrderReader(sync_client()), sync_client(), clock))


class Follower:
    """Stores order updates and publishes what is live of each account. An update is acknowledged once it is stored.

    `left_out` counts what was not stored, by why.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._publisher = Publisher(parts.redis, clock=parts.clock)
        self._rendered: Rendered = {}
        self._newest_account = 0
        self._day: date | None = None
        self._look_at = 0.0
        self._is_owner = self._said_waiting = self._stopping = False
        self.left_out: Counter[str] = Counter()

    def stop(self) -> None:
        """End the loop after the current entries; safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until stopped. Redis or PostgreSQL away: begin again with what is not acknowledged."""
        try:
            while not self._stopping:
                try:
                    self.step()
                except (redis.RedisError, DatabaseError, Fenced) as error:
                    logger.warning("orders wait: %s", error, extra={"kind": type(error).__name__})
                    self.recover()
                    time.sleep(RETRY_SECONDS)
        finally:
            self._release()

    def recover(self) -> None:
        """Let go of everything that is only in memory, of the claim and of the connection."""
        self._release()
        self._parts.reader.rewind()
        self._publisher = Publisher(self._parts.redis, clock=self._parts.clock)
        self._rendered.clear()
        self._newest_account, self._day, self._is_owner = 0, None, False
        connection.close()

    def step(self) -> None:
        """Look around where it is time; take the next entries. Raises redis.RedisError, django.db.Error, Fenced."""
        if not self._own():
            time.sleep(RETRY_SECONDS)
            return
        if time.monotonic() >= self._look_at:
            self._look()
        if entries := self._parts.reader.read(count=MAX_ENTRIES_A_READ, block_ms=BLOCK_MS):
            self._take(entries)

    def _own(self) -> bool:
        """Return whether we are the one that follows; take over what the last one left where we just became it."""
        if self._is_owner:
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [_LOCK])
            self._is_owner = bool(cursor.fetchone()[0])
        if self._is_owner:
            self._parts.reader.take_over()
        elif not self._said_waiting:
            logger.warning("another process follows orders: this one waits")
        self._said_waiting = not self._is_owner
        return self._is_owner

    def _release(self) -> None:
        """Give up the claim. Closing the connection is not enough: it may live on in a pool."""
        with suppress(DatabaseError), connection.cursor() as cursor:  # a broken connection has none
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [_LOCK])

    def _look(self) -> None:
        """Say that we live; publish what nobody heard of yet: of every account on a new day, of accounts made since."""
        now = self._parts.clock()
        note_followed(self._parts.redis, now_ms=now)
        today = day_of(from_ms(now))
        if today != self._day:
            self._rendered.clear()
            self._newest_account, self._day = 0, today
        made = TradingAccount.objects.filter(pk__gt=self._newest_account).order_by("pk").values_list("pk", flat=True)
        while some := list(made[:ACCOUNTS_AT_ONCE]):
            self._publish(some)
            self._newest_account = some[-1]
            made = made.filter(pk__gt=self._newest_account)
        self._look_at = time.monotonic() + LOOK_SECONDS

    def _take(self, entries: list[Entry]) -> None:
        """Store what entries say, publish it, then let them go: in this order, so nothing is lost in between."""
        updates = [update for entry in entries if (update := self._read(entry))]
        stored = store_updates(updates=updates, now_ms=self._parts.clock())
        for reason, count in stored.left_out.items():
            self._leave_out(reason, count)
        if stored.accounts:
            self._publish(sorted(stored.accounts))
        self._parts.reader.ack(entries)

    def _read(self, entry: Entry) -> Addressed | None:
        try:
            return read_entry(entry)
        except InvalidUpdate as error:
            self._leave_out(f"malformed_{error.field or 'entry'}", 1)
            return None

    def _leave_out(self, reason: str, count: int) -> None:
        if not self.left_out[reason]:
            logger.warning("order updates are left out: %s (said once for each kind)", reason)
        self.left_out[reason] += count

    def _publish(self, account_ids: list[int]) -> None:
        today = day_of(from_ms(self._parts.clock()))
        documents = order_documents(account_ids=account_ids, day=today, known=self._rendered)
        self._publisher.publish_many(
            Publication(orders_topic(account_id), Plain(document), ts_event, CONVENTION)
            for account_id, (document, ts_event) in documents.items()
        )
