"""What is live: documents of the chains that changed."""

import math
import time
from collections.abc import Collection, Iterable
from datetime import date

import numpy as np
import redis

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.chain import Convention, Terms
from fo_analytics.domain.document import Document, Subject, chain_view
from fo_analytics.domain.layout import NOWHERE, ChainLayout
from fo_analytics.domain.minute_close import spot_is_trusted
from fo_analytics.ingest.desk import Desk
from fo_analytics.ingest.live_depth import LiveDepth
from fo_analytics.ingest.master import Listing
from fo_analytics.topics import bars_topic, chain_topic, live_counter, quotes_topic, underlying_topic
from streaming.publisher import Plain, Publication, Publisher
from streaming.publisher import View as PublishedView
from tradingviz.core.clock import Clock


class Live:
    """Publishes the newest session of every underlying; older sessions only fill the database."""

    def __init__(self, publisher: Publisher, *, rate: float, clock: Clock) -> None:
        self.published = 0
        self._depth = LiveDepth(publisher, clock=clock)
        self._publisher = publisher
        self._rate = rate
        self._newest: dict[int, date] = {}
        self._published: dict[int, float] = {}
        self._expiries: dict[int, set[date]] = {}

    def publish(self, desks: Iterable[Desk]) -> None:
        """Publish everything that changed. Raises redis.RedisError, Fenced."""
        for desk in self._changed(desks):
            self._publish(desk)
        self.published += self._depth.publish(self._with_books(desks))

    def begin(self, client: redis.Redis, listings: Collection[Listing]) -> None:
        """Begin to follow underlyings, of which another ingest may have published. Raises as `publish`."""
        self._depth.begin(client, listings)

    def publish_next(self, desks: Iterable[Desk], *, every: float) -> bool:
        """Publish what changed of one underlying, the one longest unpublished; return whether there was one.

        One at a time, so that ticks are read in between; none more often than `every` seconds. Raises as `publish`.
        """
        latest = time.monotonic() - every
        due = [desk for desk in self._changed(desks) if self._published_at(desk) <= latest]
        if due:
            self._publish(min(due, key=self._published_at))
        books = self._depth.publish_next(self._with_books(desks))
        self.published += books
        return bool(due or books)

    def _with_books(self, desks: Iterable[Desk]) -> list[Desk]:
        return [desk for desk in desks if desk.changed_books and self._is_newest(desk)]

    def _changed(self, desks: Iterable[Desk]) -> list[Desk]:
        changed = (desk for desk in desks if desk.changed_chains or desk.close_is_unpublished)
        return [desk for desk in changed if self._is_newest(desk) and desk.live_minute >= 0]

    def _published_at(self, desk: Desk) -> float:
        return self._published.get(desk.listing.underlying_id, -math.inf)

    def _publish(self, desk: Desk) -> None:
        publications = self._publications(_View(desk, desk.live_minute, desk.live_ms), desk.changed_chains)
        self._publisher.publish_many(publications)
        # Only now: what could not be published is still to be published.
        desk.changed_chains.clear()
        desk.close_is_unpublished = False
        self._published[desk.listing.underlying_id] = time.monotonic()
        self.published += len(publications)

    def publish_stored(self, desk: Desk) -> None:
        """Publish a desk as of its last stored minute. Raises redis.RedisError, Fenced."""
        if not self._is_newest(desk):
            return
        view = _View(desk, max(desk.book.minutes(), default=0), desk.official_close.ts if desk.official_close else 0)
        publications = self._publications(view, {chain.expiry for chain in desk.layout.chains})
        self._publisher.publish_many(publications)
        self.published += len(publications)

    def _is_newest(self, desk: Desk) -> bool:
        owner, day = desk.listing.underlying_id, desk.session.date
        if day > self._newest.get(owner, date.min):
            self._newest[owner], self._expiries[owner] = day, set()
        return day == self._newest[owner]

    def _publications(self, view: "_View", changed: set[date]) -> list[Publication]:
        desk = view.desk
        trusted = spot_is_trusted(desk.layout, view.state, as_of_ms=view.as_of_ms, rate=self._rate)
        found: list[Publication] = []
        for chain in desk.layout.chains:
            if chain.expiry in changed and view.known[chain.slots[chain.listed]].any():
                found.append(self._chain(view, chain, trusted))
                self._expiries[desk.listing.underlying_id].add(chain.expiry)
        return [*found, self._underlying(view), *self._bars(view), self._quotes(view)]

    def _chain(self, view: "_View", chain: ChainLayout, trusted: bool) -> Publication:
        symbol = view.desk.listing.symbol
        quotes = chain.quotes(view.state, view.desk.layout.spot_slot)
        terms = Terms(view.as_of_ms, chain.expires_at_ms, self._rate, spot_is_trusted=trusted)
        shown = chain_view(Subject(symbol, chain.expiry), quotes, terms)
        return view.publication(chain_topic(symbol, chain.expiry), shown)

    def _bars(self, view: "_View") -> list[Publication]:
        """Return the candles of the underlying itself, where it has a price."""
        desk, spot = view.desk, view.desk.layout.spot_slot
        if spot == NOWHERE:
            return []
        document = desk.candles.document(desk.book, spot, view.minute)
        return [view.publication(bars_topic(desk.listing.symbol), Plain(document))]

    def _quotes(self, view: "_View") -> Publication:
        """Return what is quoted of the underlying itself and of its futures."""
        desk, state = view.desk, view.state
        keys = desk.layout.instrument_ids
        document = {str(keys[slot]): _quote(state[slot]) for slot in desk.outright.tolist() if view.known[slot]}
        return view.publication(quotes_topic(desk.listing.symbol), Plain(document))

    def _underlying(self, view: "_View") -> Publication:
        desk, spot = view.desk, view.desk.layout.spot_slot
        price = float(view.state["close"][spot]) if spot != NOWHERE else math.nan
        close = desk.official_close if desk.official_close and desk.official_close.ts <= view.known_ms else None
        stamp = max(view.as_of_ms, close.ts) if close else view.as_of_ms
        document: Document = {
            "underlying": desk.listing.symbol,
            "exchange": desk.listing.exchange,
            "session": desk.session.date.isoformat(),
            "ts_event": stamp,
            "spot": None if math.isnan(price) else price,
            "spot_ts": int(view.state["last_ts"][spot]) or None if spot != NOWHERE else None,
            "official_close": close.price if close else None,
            "expiries": sorted(expiry.isoformat() for expiry in self._expiries[desk.listing.underlying_id]),
        }
        return view.publication(underlying_topic(desk.listing.symbol), Plain(document), stamp)


def _quote(state: np.void) -> Document:
    prices = {name: float(state[column]) for name, column in (("last", "close"), ("bid", "bid"), ("ask", "ask"))}
    shown: Document = {name: None if math.isnan(price) else price for name, price in prices.items()}
    return shown | {name: int(state[name]) or None for name in ("last_ts", "quote_ts")}


class _View:
    """A desk's market as of the close of a minute; of what comes after all minutes, what is known by `known_ms`."""

    def __init__(self, desk: Desk, minute: int, known_ms: int) -> None:
        self.desk = desk
        self.minute = minute
        self.state: Minute = desk.book.state(minute)
        self.known = bars.touched(self.state)
        self.as_of_ms = desk.book.newest_stamp(minute)
        self.known_ms = max(self.as_of_ms, known_ms)

    def publication(self, topic: str, document: PublishedView, ts_event: int | None = None) -> Publication:
        """Return what is published of it under a topic."""
        counter = live_counter(self.desk.listing.symbol)
        stamp = self.as_of_ms if ts_event is None else ts_event
        return Publication(topic, document, stamp, Convention.EXACT.value, counter)
