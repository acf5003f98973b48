"""What is live: documents of the chains that changed, published after their rows are committed."""

import math
from collections.abc import Iterable
from datetime import date

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.chain import Terms
from fo_analytics.domain.document import Document, Subject, chain_document
from fo_analytics.domain.layout import NOWHERE, ChainLayout
from fo_analytics.domain.minute_close import spot_is_trusted
from fo_analytics.ingest.desk import Desk
from fo_analytics.topics import chain_topic, underlying_topic
from streaming.publisher import Fenced, Publication, Publisher


class Live:
    """Publishes the newest session of every underlying; older sessions only fill the database."""

    def __init__(self, publisher: Publisher, *, rate: float) -> None:
        self.published = 0
        self._publisher = publisher
        self._rate = rate
        self._newest: dict[int, date] = {}
        self._expiries: dict[int, set[date]] = {}

    def publish(self, desks: Iterable[Desk]) -> None:
        """Publish what changed since the last call, in one round trip. Raises redis.RedisError, Fenced."""
        changed = [desk for desk in desks if desk.changed_chains]
        publications = [item for desk in changed if self._is_newest(desk) for item in self._publications(desk)]
        try:
            self._publisher.publish_many(publications)
        except Fenced as fenced:
            # Whoever starts last is right: an ingest that was restarted takes its topics over.
            self._publisher.begin(fenced.topic)
            self._publisher.publish_many(publications)
        # Only now: what could not be published is still to be published.
        for desk in changed:
            desk.changed_chains.clear()
        self.published += len(publications)

    def _is_newest(self, desk: Desk) -> bool:
        owner, day = desk.listing.underlying_id, desk.session.date
        if day > self._newest.get(owner, date.min):
            self._newest[owner], self._expiries[owner] = day, set()
        return day == self._newest[owner]

    def _publications(self, desk: Desk) -> list[Publication]:
        book, layout = desk.book, desk.layout
        if not book.latest_ts:
            return []
        state = book.state(max(book.minutes(), default=0))
        known = bars.touched(state)
        trusted = spot_is_trusted(layout, state, as_of_ms=book.latest_ts, rate=self._rate)
        found: list[Publication] = []
        for chain in layout.chains:
            if chain.expiry in desk.changed_chains and known[chain.slots[chain.listed]].any():
                found.append(self._chain(desk, chain, state, trusted))
                self._expiries[desk.listing.underlying_id].add(chain.expiry)
        return [*found, self._underlying(desk, state)]

    def _chain(self, desk: Desk, chain: ChainLayout, state: Minute, trusted: bool) -> Publication:
        symbol, as_of = desk.listing.symbol, desk.book.latest_ts
        quotes = chain.quotes(state, desk.layout.spot_slot)
        terms = Terms(as_of, chain.expires_at_ms, self._rate, spot_is_trusted=trusted)
        document = chain_document(Subject(symbol, chain.expiry), quotes, terms)
        return Publication(chain_topic(symbol, chain.expiry), document, as_of, terms.convention.value)

    def _underlying(self, desk: Desk, state: Minute) -> Publication:
        symbol, spot = desk.listing.symbol, desk.layout.spot_slot
        price = float(state["close"][spot]) if spot != NOWHERE else math.nan
        close = desk.official_close
        document: Document = {
            "underlying": symbol,
            "exchange": desk.listing.exchange,
            "session": desk.session.date.isoformat(),
            "ts_event": desk.book.latest_ts,
            "spot": None if math.isnan(price) else price,
            "spot_ts": int(state["last_ts"][spot]) or None if spot != NOWHERE else None,
            "official_close": close.price if close else None,
            "expiries": sorted(expiry.isoformat() for expiry in self._expiries[desk.listing.underlying_id]),
        }
        return Publication(underlying_topic(symbol), document, desk.book.latest_ts, "exact")
