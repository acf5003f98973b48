"""Chains: live from what ingest published, past from minute bars. One document either way."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import takewhile

import numpy as np
import numpy.typing as npt
import redis
from django.conf import settings

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.calendar import MINUTE_MS, Calendar, Session, from_ms, ist_date, to_ms
from fo_analytics.domain.chain import Convention, Terms
from fo_analytics.domain.chain_view import ChainView
from fo_analytics.domain.document import Document, Subject, chain_view, revalued
from fo_analytics.domain.forward import Forward
from fo_analytics.domain.layout import Layout
from fo_analytics.domain.minute_close import spot_verdict
from fo_analytics.domain.ticks import Ints
from fo_analytics.models import Bar, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.reference import ExpiryTable, layout_listed
from fo_analytics.topics import chain_topic, underlying_topic
from streaming.state import State, read_state, read_states
from tradingviz.core.errors import NotAvailable
from tradingviz.core.redis import shared_client
from tradingviz.core.sql import array_text, read_numbers

logger = logging.getLogger(__name__)

LIVE, STORED = "live", "bars"


@dataclass(frozen=True)
class ChainAnswer:
    """A chain and where it comes from; `epoch` and `seq` name the live state, None for stored ones."""

    chain: ChainView | Document
    source: str
    epoch: int | None = None
    seq: int | None = None

    @property
    def head(self) -> Document:
        """Return what concerns the expiry."""
        head: Document = self.chain["head"] if isinstance(self.chain, dict) else self.chain.head
        return head

    @cached_property
    def document(self) -> Document:
        """Return the chain's document."""
        return self.chain if isinstance(self.chain, dict) else self.chain.document()

    @cached_property
    def view(self) -> ChainView:
        """Return the chain as a matrix."""
        return ChainView.of(self.chain) if isinstance(self.chain, dict) else self.chain


def live_state(*, topic: str) -> State | None:
    """Return what ingest last published of a topic; None where nothing is there or Redis is away (logged)."""
    try:
        return read_state(shared_client(), topic)
    except redis.RedisError as error:
        logger.warning("live state unreadable: %s", error, extra={"topic": topic})
        return None


def live_states(*, topics: list[str]) -> list[State | None]:
    """Return what ingest last published of topics, in one round trip; all None where Redis is away (logged)."""
    try:
        return read_states(shared_client(), topics)
    except redis.RedisError as error:
        logger.warning("live states unreadable: %s", error)
        return [None] * len(topics)


def market_instant(*, underlying: Underlying) -> int:
    """Return the newest instant known of an underlying (ms UTC): live, else of its newest bar.

    Raises NotAvailable where there is neither.
    """
    return newest_known(underlying=underlying)[0]


def newest_known(*, underlying: Underlying) -> tuple[int, int | None]:
    """Return the newest instant known of an underlying (ms UTC), and that at which its publisher began (None: bars).

    Raises NotAvailable where there is neither.
    """
    state = live_state(topic=underlying_topic(underlying.symbol))
    if state is not None:
        return state.ts_event, state.epoch
    newest = Bar.objects.filter(instrument__underlying=underlying).order_by("-time").values_list("time", flat=True)
    time = newest.first()
    if time is None:
        raise NotAvailable(f"nothing is known of {underlying.symbol} yet: no live state and no bars")
    return to_ms(time) + MINUTE_MS, None


def live_chains(
    *, underlying: Underlying, table: ExpiryTable, expiries: Sequence[date], convention: Convention
) -> tuple[ChainAnswer, ...]:
    """Return chains as ingest published them; from bars as of the table's instant those that are not published.

    Nor are those of which nothing was heard in the session that had begun last by then, and those that have expired.
    """
    states = live_states(topics=[chain_topic(underlying.symbol, expiry) for expiry in expiries])
    session = session_begun(table.as_of_ms, table.calendar)
    opened_ms = to_ms(session.opens_at) if session else 0
    found = {
        expiry: _published(state, convention) if state and _is_of_now(state, opened_ms, table.as_of_ms) else None
        for expiry, state in zip(expiries, states, strict=True)
    }
    missing = [expiry for expiry, answer in found.items() if answer is None]
    stored = chains_at(underlying=underlying, table=table, expiries=missing, convention=convention)
    instead = dict(zip(missing, stored, strict=True))
    return tuple(answer or instead[expiry] for expiry, answer in found.items())


def _is_of_now(state: State, opened_ms: int, as_of_ms: int) -> bool:
    return state.ts_event >= opened_ms and (
        as_of_ms < state.document["head"]["ts_expiry"] or state.document["head"]["expired"]
    )


def _published(state: State, convention: Convention) -> ChainAnswer:
    document = state.document
    if convention is not Convention.EXACT:
        document = revalued(document, convention)
    return ChainAnswer(document, LIVE, state.epoch, state.seq)


def chain_at(*, underlying: Underlying, table: ExpiryTable, expiry: date, convention: Convention) -> ChainAnswer:
    """Return one chain as it stood at the table's instant; see `chains_at`."""
    return chains_at(underlying=underlying, table=table, expiries=(expiry,), convention=convention)[0]


def chains_at(
    *, underlying: Underlying, table: ExpiryTable, expiries: Sequence[date], convention: Convention
) -> tuple[ChainAnswer, ...]:
    """Return chains as they stood at the table's instant, from the minutes that had closed by then: one query for all.

    Values hold at the instant itself; stamps tell how old each price is. Whether the spot is used is decided once for
    all, as ingest does it; where the nearest expiry has no put-call pairs, the later ones are read for that, too.
    """
    if not expiries:
        return ()
    alive = table.unexpired()
    wanted = tuple(dict.fromkeys((*expiries, *alive[:1])))
    stored = stored_market(underlying=underlying, sessions=table.calendar, expiries=wanted, until_ms=table.as_of_ms)
    views = [_valued(underlying, table, stored, expiry, convention) for expiry in expiries]
    # Valued by parity's forward, they have it at hand: finding it takes as long as all volatilities.
    known = {expiry: _parity(view.head) for expiry, view in zip(expiries, views, strict=True)}
    if not _spot_is_trusted(underlying, table, stored, alive, known):
        views = [_valued(underlying, table, stored, expiry, convention, spot_is_trusted=False) for expiry in expiries]
    return tuple(ChainAnswer(view, STORED) for view in views)


def _valued(
    underlying: Underlying,
    table: ExpiryTable,
    stored: "StoredMarket",
    expiry: date,
    convention: Convention,
    *,
    spot_is_trusted: bool = True,
) -> ChainView:
    layout = stored.only((expiry,))
    chain = layout.chains[0]
    terms = Terms(table.as_of_ms, chain.expires_at_ms, settings.RISK_FREE_RATE, convention, spot_is_trusted)
    return chain_view(Subject(underlying.symbol, expiry), chain.quotes(stored.state, layout.spot_slot), terms)


def _parity(head: Document) -> Forward | None:
    """Return the forward a chain was valued by, None where that is not parity's."""
    return Forward(head["forward"], "parity", head["forward_pairs"]) if head["forward_source"] == "parity" else None


def _spot_is_trusted(
    underlying: Underlying,
    table: ExpiryTable,
    stored: "StoredMarket",
    alive: Sequence[date],
    known: Mapping[date, Forward | None],
) -> bool:
    """Return whether the parity of the first of the expiries alive that has it does not contradict the spot.

    Those up to the first one that `stored` lacks are asked first; only if none of them has it, one query for the rest.
    """
    held = {chain.expiry for chain in stored.layout.chains}
    near = tuple(takewhile(held.__contains__, alive))
    found = {expiry: forward for expiry, forward in known.items() if forward is not None}
    verdict = _verdict(stored, near, table.as_of_ms, found)
    if verdict is None and (rest := tuple(alive[len(near) :])):
        later = stored_market(underlying=underlying, sessions=table.calendar, expiries=rest, until_ms=table.as_of_ms)
        verdict = _verdict(later, rest, table.as_of_ms, found)
    return verdict is not False


def _verdict(
    stored: "StoredMarket", expiries: Sequence[date], as_of_ms: int, known: Mapping[date, Forward]
) -> bool | None:
    layout = stored.only(expiries)
    return spot_verdict(layout, stored.state, as_of_ms=as_of_ms, rate=settings.RISK_FREE_RATE, known=known)


@dataclass(frozen=True, slots=True)
class StoredMarket:
    """What stored minutes said of some expiries; slot i of `layout` has `state[i]` and `minute_ms[i]`.

    `minute_ms` (n,) is the open of the newest minute of each instrument, ms UTC, 0 where it has none.
    """

    layout: Layout
    state: Minute
    minute_ms: Ints

    def only(self, expiries: Collection[date]) -> Layout:
        """Return the layout with the chains of some expiries."""
        return replace(self.layout, chains=tuple(c for c in self.layout.chains if c.expiry in expiries))


def stored_market(
    *, underlying: Underlying, sessions: Calendar, expiries: Sequence[date], until_ms: int, sessions_back: int = 0
) -> StoredMarket:
    """Return what the session that had begun last at an instant said by then: minutes closed by `until_ms` (ms UTC).

    What it did not speak of may have been said up to `sessions_back` sessions before. One query, whatever the number
    of expiries and strikes.
    """
    expires_at_ms = {expiry: to_ms(sessions.expires_at(expiry)) for expiry in expiries}
    day = ist_date(from_ms(until_ms))
    layout = layout_listed(underlying_id=underlying.pk, expires_at_ms=expires_at_ms, day=day)
    session = session_begun(until_ms, sessions)
    if session is None:
        return StoredMarket(layout, bars.empty(len(layout)), np.zeros(len(layout), np.int64))
    first = session
    for _ in range(sessions_back):
        first = sessions.last_session_before(first.date) or first
    return _stored(layout, first, session, until_ms)


def session_begun(as_of_ms: int, sessions: Calendar) -> Session | None:
    """Return the session that had begun last at an instant (ms UTC); None before the first."""
    instant = from_ms(as_of_ms)
    today = sessions.session_on(ist_date(instant))
    return today if today and today.opens_at <= instant else sessions.last_session_before(ist_date(instant))


def _stored(layout: Layout, first: Session, last: Session, until_ms: int) -> StoredMarket:
    ids = layout.instrument_ids.tolist()
    found = stored_states(instrument_ids=ids, columns=(*_COLUMNS, "time_ms"), first=first, last=last, until_ms=until_ms)
    slot_of = {instrument_id: slot for slot, instrument_id in enumerate(ids)}
    slots = [slot_of[instrument_id] for instrument_id in found["instrument_id"].tolist()]
    state, minute_ms = bars.empty(len(layout)), np.zeros(len(layout), np.int64)
    for name in _COLUMNS:
        state[name][slots] = milliseconds(found[name]) if name.endswith("_ts") else found[name]
    minute_ms[slots] = milliseconds(found["time_ms"])
    return StoredMarket(layout, state, minute_ms)


def stored_states(
    *, instrument_ids: Iterable[int], columns: Sequence[str], first: Session, last: Session, until_ms: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what the newest minute of each instrument says that had closed by an instant (ms UTC); one query.

    Minutes from `first`'s open to `last`'s close; `last` is the session that had begun last at the instant.
    `instrument_id` and some of STATE_COLUMNS, a row (n,) for each instrument that has such a minute, NaN for null.
    """
    newest = min(until_ms - until_ms % MINUTE_MS, to_ms(last.closes_at)) - MINUTE_MS
    parameters = {
        "instrument_ids": array_text(instrument_ids),
        "from": first.opens_at,
        "newest": from_ms(newest),
    }
    named = f"({query('chain_at')}) AS found (instrument_id, {', '.join(STATE_COLUMNS)})"
    return read_numbers(named, parameters, ("instrument_id", *columns))


STATE_COLUMNS = (
    "close", "last_ts", "oi", "oi_ts", "bid", "bid_qty", "ask", "ask_qty", "quote_ts", "cumulative", "time_ms",
    "volume", "forward", "iv", "iv_reason", "delta", "gamma", "theta", "vega", "rho",
)  # fmt: skip
"""The columns of queries/chain_at.sql behind the instrument's key; stamps are seconds since the Unix epoch."""


# Only what is used travels.
_COLUMNS = STATE_COLUMNS[: STATE_COLUMNS.index("time_ms")]


def milliseconds(seconds: npt.ArrayLike | Sequence[float | None]) -> npt.NDArray[np.int64]:
    """Return seconds since the Unix epoch as milliseconds; 0 for null and NaN."""
    return np.nan_to_num(np.rint(np.array(seconds, np.float64) * 1000)).astype(np.int64)
