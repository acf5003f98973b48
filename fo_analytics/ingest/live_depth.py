"""What is live of the order books: one document per expiry, at most once a second, never in the database."""

import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date

import numpy as np
import redis

from fo_analytics.domain.chain import Convention
from fo_analytics.domain.depth_view import DepthView
from fo_analytics.domain.layout import ChainLayout
from fo_analytics.domain.order_book import LEVELS
from fo_analytics.ingest.desk import Desk
from fo_analytics.ingest.master import Listing
from fo_analytics.topics import depth_topic, live_counter, underlying_topic
from streaming.publisher import Publication, Publisher
from streaming.state import read_states
from tradingviz.core.clock import Clock

EVERY_SECONDS = 1.0


class LiveDepth:
    """Publishes the newest book of every contract.

    Books are in no table: an ingest that begins, or begins again, knows none, and says since when it listens.
    """

    def __init__(self, publisher: Publisher, *, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._since = clock()
        self._published: dict[tuple[int, date], float] = {}

    def publish(self, desks: Iterable[Desk]) -> int:
        """Publish everything that changed; return how many documents. Raises redis.RedisError, Fenced."""
        return sum(self._publish(desk, set(desk.changed_books)) for desk in desks)

    def publish_next(self, desks: Iterable[Desk]) -> int:
        """Publish what is due of the first underlying where something is, as `publish` does."""
        for desk in desks:
            if due := {expiry for expiry in desk.changed_books if self._is_due(desk, expiry)}:
                return self._publish(desk, due)
        return 0

    def begin(self, client: redis.Redis, listings: Collection[Listing]) -> None:
        """Say of the books that another ingest left in Redis that nobody follows them any more.

        Raises redis.RedisError, Fenced.
        """
        self._since = self._clock()
        left: list[Publication] = []
        states = read_states(client, [underlying_topic(listing.symbol) for listing in listings])
        for listing, state in zip(listings, states, strict=True):
            expiries = state.document["expiries"] if state else []
            topics = [depth_topic(listing.symbol, expiry) for expiry in expiries]
            for expiry, held in zip(expiries, read_states(client, topics), strict=True):
                if held is not None and held.document["contracts"]:
                    left.append(self._publication(listing.symbol, expiry, DepthView({}, (), *_NONE), held.ts_event))
        self._publisher.publish_many(left)

    def _is_due(self, desk: Desk, expiry: date) -> bool:
        published = self._published.get((desk.listing.underlying_id, expiry))
        return published is None or time.monotonic() - published >= EVERY_SECONDS

    def _publish(self, desk: Desk, expiries: set[date]) -> int:
        symbol = desk.listing.symbol
        found = [
            self._publication(symbol, chain.expiry.isoformat(), _books(desk, chain))
            for chain in desk.layout.chains
            if chain.expiry in expiries
        ]
        self._publisher.publish_many(found)
        # Only now: what could not be published is still to be published.
        desk.changed_books -= expiries
        self._published |= dict.fromkeys(((desk.listing.underlying_id, day) for day in expiries), time.monotonic())
        return len(found)

    def _publication(self, symbol: str, expiry: str, books: DepthView, ts_event: int = 0) -> Publication:
        ts_event = max(ts_event, int(books.ts.max(initial=0)))
        head = {"underlying": symbol, "expiry": expiry, "ts_event": ts_event, "since": self._since}
        convention, counter = Convention.EXACT.value, live_counter(symbol)
        return Publication(depth_topic(symbol, expiry), replace(books, head=head), ts_event, convention, counter)


_NONE = np.zeros((2, 0), np.int64), np.zeros((2, 0, 2, LEVELS, 3))


def _books(desk: Desk, chain: ChainLayout) -> DepthView:
    ts = np.where(chain.listed, desk.books.ts[chain.slots], 0)
    return DepthView({}, tuple(chain.strike.tolist()), ts, desk.books.levels[chain.slots])
