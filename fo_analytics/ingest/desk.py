"""A session of one underlying at work: its layout, its book, and what has to be written."""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np

from fo_analytics.domain.bars import Minute
from fo_analytics.domain.book import Book
from fo_analytics.domain.calendar import MINUTE_MS, Session
from fo_analytics.domain.layout import Contract, Layout, arrange
from fo_analytics.domain.live_candles import LiveCandles
from fo_analytics.domain.minute_close import BarRows, ChainMeasures, close_minute
from fo_analytics.domain.order_book import NewestBooks
from fo_analytics.domain.ticks import Floats, Ints, Mask, Ticks
from fo_analytics.ingest.master import Listing, Master


@dataclass(frozen=True, slots=True)
class Close:
    """An official close seen after the session: the newest stamp counts."""

    underlying_id: int
    date: date
    price: float
    ts: int


class Books(NamedTuple):
    """The books that came with ticks: `row` (m,) is each one's tick, ascending; `levels` (m, 2, levels, 3)."""

    row: Ints
    levels: Floats

    def take(self, mask: Mask) -> "Books":
        """Return those of the ticks in `mask`, for these ticks."""
        kept = mask[self.row]
        return Books((np.cumsum(mask) - 1)[self.row[kept]], self.levels[kept]) if len(self.row) else self


class Desk:
    """One underlying in one session."""

    def __init__(self, listing: Listing, session: Session, master: Master) -> None:
        self.listing = listing
        self.session = session
        self.version = 0
        self.changed_chains: set[date] = set()
        # Order books are of the moment: only the newest of each contract, and in memory only.
        self.books = NewestBooks(0)
        self.changed_books: set[date] = set()
        # The newest minute that ticks of this process reached. Stored minutes may lie after it: a day replayed again
        # is live as of the replay.
        self.live_minute = -1
        # The newest stamp (ms) among them: an official close has one after all minutes.
        self.live_ms = 0
        self.official_close: Close | None = None
        self.close_is_unpublished = False
        self._close_is_new = False
        self._contracts: list[Contract] = []
        self._expires_at_ms: dict[date, int] = {}
        self._opens = session.bucket_opens_ms
        self.candles = LiveCandles(self._opens)
        self.layout = Layout(np.empty(0, np.int64), np.empty(0, np.int64), -1, ())
        self.tick_size: Floats = np.empty(0)
        # Slots of what is in no chain: the spot and the futures.
        self.outright: Ints = np.empty(0, np.int64)
        self.book = Book(0)
        self.refresh(listing, master)

    def refresh(self, listing: Listing, master: Master) -> None:
        """Take over contracts listed since, behind those already placed, and the tokens they have now."""
        if self.version == master.version:
            return
        self.version, self.listing = master.version, listing
        alive = {contract.instrument_id: contract for contract in listing.alive_on(self.session.date)}
        self._contracts = [alive.pop(placed.instrument_id, placed) for placed in self._contracts] + [*alive.values()]
        calendar = master.calendars[listing.exchange]
        expiries = {c.expiry for c in self._contracts if c.expiry is not None}
        self._expires_at_ms = {expiry: int(calendar.expires_at(expiry).timestamp() * 1000) for expiry in expiries}
        self._arrange()
        day = self.session.date
        self.tick_size = np.array([contract.tick_on(day) for contract in self._contracts], np.float64)
        self.outright = np.flatnonzero([contract.kind in ("SPOT", "FUT") for contract in self._contracts])
        self.book.grow(len(self.layout))
        self.books.grow(len(self.layout))
        order = np.argsort(self.layout.tokens)
        self._sorted_tokens, self._sorted_slots = self.layout.tokens[order], order

    def _arrange(self) -> None:
        day = self.session.date
        self.layout = arrange(self._contracts, self._expires_at_ms, day)
        self._is_later = np.array([c.valid_from is not None and c.valid_from > day for c in self._contracts], bool)

    def _note_listed(self, slots: Ints) -> None:
        """Count contracts that tick as listed: since when one is known says when it was seen first, not since when."""
        for slot in np.unique(slots[self._is_later[slots]]).tolist():
            self._contracts[slot] = replace(self._contracts[slot], valid_from=self.session.date)
        self._arrange()

    def slots_of(self, tokens: Ints) -> Ints:
        """Return the slot (n,) of each token, -1 for a contract that had expired before this session."""
        if not len(self._sorted_tokens):
            return np.full(len(tokens), -1)
        place = np.minimum(np.searchsorted(self._sorted_tokens, tokens), len(self._sorted_tokens) - 1)
        return np.where(self._sorted_tokens[place] == tokens, self._sorted_slots[place], -1)

    def add(self, ticks: Ticks, books: Books, *, live: bool = True) -> Mask:
        """Add ticks of this session's date, and their order books; those outside its hours are left out.

        Return the mask (n,) of these. Ticks up to 15 minutes after the close belong to the last minute; those of the
        spot are the official close. Ticks that are not `live` fill a hole: what is live stays as of the minute it was.
        """
        if self._is_later[ticks.slot].any():
            self._note_listed(ticks.slot)
        minute = self.session.minute_of(ticks.ts)
        late = self.session.late_minute(ticks.ts)
        is_spot = ticks.slot == self.layout.spot_slot
        self._note_official_close(ticks.take(late & is_spot))
        minute = np.where(late & ~is_spot, self.session.minutes - 1, minute)
        inside = minute >= 0
        self.book.add(minute[inside], ticks.take(inside))
        if live:
            reached = np.where(late, self.session.minutes - 1, minute)
            self.live_minute = max(self.live_minute, int(reached.max(initial=-1)))
            self.live_ms = max(self.live_ms, int(ticks.ts[reached >= 0].max(initial=0)))
            self._note_books(ticks.take(inside), books.take(inside))
        self._note_chains(ticks.slot[inside])
        return np.asarray(~inside & ~(late & is_spot))

    def _note_official_close(self, ticks: Ticks) -> None:
        for ts, price in zip(ticks.ts.tolist(), ticks.last.tolist(), strict=True):
            held = self.official_close
            if price > 0 and (held is None or (ts, price) > (held.ts, held.price)):
                self.official_close = Close(self.listing.underlying_id, self.session.date, price, ts)
                self._close_is_new = self.close_is_unpublished = True

    def _note_chains(self, slots: Ints) -> None:
        ticked = np.zeros(len(self.layout), bool)
        ticked[slots] = True
        spot = self.layout.spot_slot
        every = spot >= 0 and bool(ticked[spot])
        for chain in self.layout.chains:
            if every or ticked[chain.slots[chain.listed]].any():
                self.changed_chains.add(chain.expiry)

    def _note_books(self, ticks: Ticks, books: Books) -> None:
        if not len(books.row):
            return
        of = ticks.take(books.row)
        changed = np.zeros(len(self.layout), bool)
        changed[self.books.add(of.slot, of.ts, of.volume, books.levels)] = True
        self.changed_books |= {c.expiry for c in self.layout.chains if changed[c.slots[c.listed]].any()}

    def take_rows(self, *, rate: float, before_ms: int) -> tuple[list[BarRows], list[ChainMeasures]]:
        """Return, once, the rows of the minutes that changed since the last call and have ended by `before_ms`."""
        rows: list[BarRows] = []
        measures: list[ChainMeasures] = []
        ended = int(np.searchsorted(self._opens + MINUTE_MS, before_ms, side="right"))
        for index in self.book.take_dirty(ended):
            bar_rows, chain_measures = close_minute(
                self.book, self.layout, index=index, opens_ms=int(self._opens[index]), rate=rate
            )
            rows.append(bar_rows)
            measures += chain_measures
        return rows, measures

    @property
    def opens_ms(self) -> Ints:
        """Return the open (minutes,) of every minute of the session, ms UTC."""
        return self._opens

    def state_before(self, instant_ms: int) -> Minute:
        """Return the state (n,) at the close of the last minute that opened before an instant (ms UTC)."""
        return self.book.state(int(np.searchsorted(self._opens, instant_ms)) - 1)

    def take_official_close(self) -> Close | None:
        """Return the official close, once, where a newer one came."""
        fresh, self._close_is_new = self._close_is_new, False
        return self.official_close if fresh else None

    @property
    def is_written(self) -> bool:
        """Return whether everything this desk knows was taken for writing."""
        return not (self.book.is_dirty or self._close_is_new)
