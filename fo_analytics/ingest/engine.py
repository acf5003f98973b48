"""Ticks to desks: screening, routing by underlying and session, and what follows from a batch."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import NamedTuple

import numpy as np

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.domain.minute_close import BarRows, ChainMeasures
from fo_analytics.domain.order_book import best_first, impossible, with_best_quotes
from fo_analytics.domain.ticks import Ints, Mask, Ticks, absent_where_zero, reject
from fo_analytics.ingest.desk import Books, Close, Desk
from fo_analytics.ingest.heard import Heard
from fo_analytics.ingest.master import Master
from streaming.ticker.codec import TickBatch
from tradingviz.core.clock import Clock
from tradingviz.core.logging import OncePerKind

logger = logging.getLogger(__name__)

MAX_DESKS = 512
DAY_MS = 86_400_000
IST_OFFSET_MS = 19_800_000

Restore = Callable[[Desk], None]
Owns = Callable[[int], bool]
Listener = Callable[[Desk, Ticks], None]


@dataclass(slots=True)
class Rows:
    """What a flush has to commit; bars (of one minute) and measures with their underlying's id."""

    bars: list[tuple[int, BarRows]] = field(default_factory=list)
    measures: list[tuple[int, ChainMeasures]] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.bars or self.measures or self.closes)

    def __len__(self) -> int:
        return sum(len(minute) for _, minute in self.bars)

    def add(self, other: "Rows") -> None:
        """Take over what another one holds."""
        self.bars += other.bars
        self.measures += other.measures
        self.closes += other.closes

    def days(self) -> set[tuple[int, date]]:
        """Return the underlyings' ids and days that the rows are of."""
        stamps = [(owner, int(minute["time_ms"][0])) for owner, minute in self.bars if len(minute)]
        stamps += [(owner, measures.time_ms) for owner, measures in self.measures]
        return {(owner, ist_date(from_ms(ms))) for owner, ms in stamps} | {
            (c.underlying_id, c.date) for c in self.closes
        }


class Part(NamedTuple):
    """The good ticks of one underlying and day."""

    tokens: Ints
    ticks: Ticks
    books: Books


class Engine:
    """All desks of one ingest process. Time comes from the ticks; `clock` only exposes stamps of the future.

    `owns` tells of an underlying's id whether this process may write it: two that do would each see half of the ticks.
    """

    def __init__(self, master: Master, *, clock: Clock, rate: float, restore: Restore, owns: Owns) -> None:
        self.master = master
        self.rate = rate
        # Contracts that never traded say nothing but zeros, all day.
        self.events = OncePerKind(logger, usual=frozenset({"empty"}))
        self.ticks_seen = 0
        self.newest_ts = 0
        self.heard = Heard()
        self._clock = clock
        self._restore = restore
        self._owns = owns
        self._desks: OrderedDict[tuple[int, date], Desk] = OrderedDict()
        self._listener: Listener | None = None

    def listen(self, listener: Listener) -> None:
        """Have live ticks told, once their desk has them: their `slot` is that of the desk."""
        self._listener = listener

    @property
    def desks(self) -> Iterable[Desk]:
        """Return the desks, the least recently used first."""
        return self._desks.values()

    def accept(self, batch: TickBatch, *, live: bool = True) -> None:
        """Take a batch in; bad ticks are counted by kind and left out, the others always count.

        A batch that is not `live` fills a hole. Raises SessionsChanged, django.db.Error.
        """
        self.ticks_seen += len(batch.ts)
        owners = self.master.owners(batch.token)
        books = self._books(batch)
        ticks = with_best_quotes(absent_where_zero(_ticks_of(batch)), books.row, books.levels)
        good = self._screen(ticks, owners >= 0, batch)
        self.newest_ts = max(self.newest_ts, int(ticks.ts[good].max(initial=0)))
        days = (ticks.ts + IST_OFFSET_MS) // DAY_MS
        for owner, day in np.unique(np.stack([owners[good], days[good]]), axis=1).T.tolist():
            mask = good & (owners == owner) & (days == day)
            part = Part(batch.token[mask], ticks.take(mask), books.take(mask))
            self._deliver(owner, part, live=live)

    def _books(self, batch: TickBatch) -> Books:
        """Return the books that can be true; the others are dropped and counted, their ticks stay."""
        depth = batch.depth
        wrong = np.flatnonzero(impossible(depth.levels))
        for rows in (depth.malformed, depth.row[wrong]):
            if len(rows):
                token, ts = int(batch.token[rows[0]]), int(batch.ts[rows[0]])
                self.events.add("malformed_depth", len(rows), token=token, ts=ts)
        return Books(np.delete(depth.row, wrong), best_first(np.delete(depth.levels, wrong, axis=0)))

    def _screen(self, ticks: Ticks, known: Mask, batch: TickBatch) -> Mask:
        """Count what is rejected; return the mask of the rest."""
        good = np.ones(len(ticks), bool)
        kinds = reject(ticks, not_a_number=batch.not_a_number, known=known, now_ms=self._clock())
        for kind, mask in kinds.items():
            if mask.any():
                first = int(np.flatnonzero(mask)[0])
                self.events.add(kind, int(mask.sum()), token=int(batch.token[first]), ts=int(batch.ts[first]))
                good &= ~mask
        return good

    def _deliver(self, owner: int, part: Part, *, live: bool) -> None:
        tokens, ticks = part.tokens, part.ticks
        if not self._owns(owner):
            self.events.add("other_shard", len(ticks), underlying=self.master.listings[owner].symbol)
            return
        desk = self.desk(owner, ist_date(from_ms(int(ticks.ts[0]))))
        if desk is None:
            self.events.add("no_session", len(ticks), ts=int(ticks.ts[0]))
            return
        if live:
            listing, newest = desk.listing, int(ticks.ts.max())
            self.heard.note(exchange=listing.exchange, underlying=listing.symbol, now=self._clock(), stamp=newest)
        slots = desk.slots_of(tokens)
        self.events.add("expired_contract", int((slots < 0).sum()))
        placed = slots >= 0
        ticks = _placed(ticks.take(placed), slots[placed])
        left_out = desk.add(ticks, part.books.take(placed), live=live)
        self.events.add("outside_session", int(left_out.sum()), underlying=desk.listing.symbol)
        if live and self._listener is not None:
            self._listener(desk, ticks)

    def own_desk(self, owner: int, day: date) -> Desk | None:
        """Return the desk as `desk` does; None also where another process writes that underlying."""
        return self.desk(owner, day) if self._owns(owner) else None

    def desk(self, owner: int, day: date) -> Desk | None:
        """Return the desk of an underlying and date, made and restored from the database when it is new.

        None where that day has no session. Raises django.db.Error.
        """
        key = (owner, day)
        listing = self.master.listings[owner]
        desk = self._desks.get(key)
        if desk is None:
            session = self.master.calendars[listing.exchange].session_on(day)
            if session is None:
                return None
            desk = Desk(listing, session, self.master)
            self._restore(desk)  # before it counts as there: half a desk would overwrite the day
            self._desks[key] = desk
        desk.refresh(listing, self.master)
        self._desks.move_to_end(key)
        return desk

    def unwritten(self) -> list[Desk]:
        """Return the desks that know what was not taken for writing yet."""
        return [desk for desk in self._desks.values() if not desk.is_written]

    def take_rows(self, desk: Desk, *, before_ms: int) -> Rows:
        """Return, once, the rows of a desk that changed: those of minutes that have ended by `before_ms`."""
        owner = desk.listing.underlying_id
        bars, measures = desk.take_rows(rate=self.rate, before_ms=before_ms)
        close = desk.take_official_close()
        return Rows(
            [(owner, minute) for minute in bars],
            [(owner, measure) for measure in measures],
            [] if close is None else [close],
        )

    def forget_old_desks(self) -> None:
        """Let go of the desks longest unused whose rows were taken; call after these are committed."""
        spare = len(self._desks) - MAX_DESKS
        written = (key for key, desk in self._desks.items() if desk.is_written)
        for key in list(islice(written, max(0, spare))):
            del self._desks[key]

    def forget_everything(self) -> None:
        """Let go of all desks, written or not: what is not committed comes again, everything else is restored."""
        self._desks.clear()


def _ticks_of(batch: TickBatch) -> Ticks:
    nowhere = np.full(len(batch.ts), -1, np.int64)
    return Ticks(
        nowhere,
        batch.ts,
        batch.last,
        batch.volume,
        batch.oi,
        batch.bid,
        batch.bid_qty,
        batch.ask,
        batch.ask_qty,
    )


def _placed(ticks: Ticks, slots: Ints) -> Ticks:
    columns = {name: getattr(ticks, name) for name in Ticks.__slots__}
    return Ticks(**{**columns, "slot": slots})
