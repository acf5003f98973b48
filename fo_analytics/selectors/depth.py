"""Order books of one expiry: live from what ingest published, past from the stored best quotes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from fo_analytics.domain.calendar import from_ms, ist_date, to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.document import Document
from fo_analytics.models import Instrument, SupersededTerms, Underlying
from fo_analytics.selectors.chains import (
    LIVE,
    ChainAnswer,
    chains_at,
    live_chains,
    live_state,
    live_states,
    session_begun,
)
from fo_analytics.selectors.strike_distribution import Distribution, expiries_as_of
from fo_analytics.topics import depth_topic
from streaming.state import State
from tradingviz.core.errors import InvalidRequest

SIDES = {"CE": "call", "PE": "put"}
Contract = tuple[float, str]


@dataclass(frozen=True, slots=True)
class ChainDepth:
    """The quotes and the books of an expiry as of `as_of_ms` (UTC).

    `chain` holds the quotes; `books` what ingest published of the order books, None for the past and where it has
    published none in the session that had begun last, at `opened_ms` (UTC). `lot_size` is units by (strike, `call` or
    `put`), as of that day.
    """

    underlying: Underlying
    as_of_ms: int
    expiry: date
    labels: tuple[str, ...]
    chain: ChainAnswer
    books: State | None
    opened_ms: int
    lot_size: Mapping[Contract, int]


def chain_depth(*, underlying: str, expiry: str | None, at: int | None) -> ChainDepth:
    """Return the books of an expiry (label or date; None: the nearest), live or as of a past instant (ms UTC).

    Raises InvalidRequest for an unknown underlying or expiry, NotAvailable where nothing is known yet.
    """
    found, table = expiries_as_of(underlying=underlying, at=at)
    day = table.nearest() if expiry is None else table.resolve(expiry)
    if day is None:
        raise InvalidRequest("no expiry of this underlying was listed at that instant", field="expiry")
    # The books first: what is published between the two readings makes the quotes newer, never the books.
    books = live_state(topic=depth_topic(found.symbol, day)) if at is None else None
    session = session_begun(table.as_of_ms, table.calendar)
    opened_ms = to_ms(session.opens_at) if session else 0
    read = live_chains if at is None else chains_at
    (chain,) = read(underlying=found, table=table, expiries=(day,), convention=Convention.EXACT)
    books = books if books and chain.source == LIVE and books.ts_event >= opened_ms else None
    as_of_ms = max(chain.head["ts_event"], books.ts_event if books else 0)
    labels = {item.expiry: item.labels for item in table.alive()}.get(day, ())
    lots = lot_sizes(underlying_id=found.pk, expiry=day, day=ist_date(from_ms(as_of_ms)))
    return ChainDepth(found, as_of_ms, day, tuple(labels), chain, books, opened_ms, lots)


def live_books(*, found: Distribution) -> tuple[Document, ...]:
    """Return the order books of live chains, of the session that had begun last: strike text, side, book.

    Nothing of the chains that come from bars: books are not stored. One round trip, none where no chain is live.
    """
    session = session_begun(found.as_of_ms, found.table.calendar)
    opened_ms = to_ms(session.opens_at) if session else 0
    days = [day for day, chain in zip(found.expiries, found.chains, strict=True) if chain.source == LIVE]
    states = live_states(topics=[depth_topic(found.underlying.symbol, day) for day in days]) if days else []
    books = {day: _of_session(state, opened_ms) for day, state in zip(days, states, strict=True) if state}
    return tuple(books.get(day, {}) for day in found.expiries)


def _of_session(state: State, opened_ms: int) -> Document:
    rows: Document = state.document["contracts"]
    return {
        strike: {side: book for side, book in row.items() if book["ts"] >= opened_ms} for strike, row in rows.items()
    }


def lot_sizes(*, underlying_id: int, expiry: date, day: date) -> Mapping[Contract, int]:
    """Return the units in a lot that held on a day, of every option of an expiry (one query)."""
    superseded = SupersededTerms.objects.filter(instrument=OuterRef("pk"), valid_to__gte=day).order_by("valid_to")
    listed = Instrument.objects.filter(underlying=underlying_id, expiry=expiry, kind__in=SIDES).order_by()
    rows = listed.annotate(lot=Coalesce(Subquery(superseded.values("lot_size")[:1]), "lot_size"))
    named = rows.values_list("strike", "kind", "lot")
    return {(float(strike), SIDES[kind]): lot for strike, kind, lot in named if strike is not None}
