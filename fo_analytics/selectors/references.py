"""Chains as they were: what changes are counted from."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS, Calendar, Session, to_ms
from fo_analytics.domain.changes import Reference
from fo_analytics.domain.layout import NOWHERE
from fo_analytics.models import Underlying
from fo_analytics.selectors.chains import StoredMarket, session_begun, stored_market
from fo_analytics.session_memory import SessionMemory

_last_minutes: SessionMemory[tuple[Session, date], Reference] = SessionMemory(most=1_024)
"""By session, hours and all, and expiry."""


def day_references(
    *, underlying: Underlying, sessions: Calendar, expiries: Sequence[date], as_of_ms: int
) -> Mapping[date, Reference]:
    """Return chains as of the last stored minutes of the session before the one that had begun last (ms UTC).

    They are remembered until a commit touches that session. At most one query for the bars.
    """
    session = session_begun(as_of_ms, sessions)
    before = session and sessions.last_session_before(session.date)
    if before is None:
        return {expiry: _nothing() for expiry in expiries}
    until_ms = to_ms(before.closes_at)

    def read(missing: list[tuple[date, tuple[Session, date]]]) -> list[Reference]:
        unknown = [expiry for _, (_, expiry) in missing]
        found = references_at(underlying=underlying, sessions=sessions, expiries=unknown, until_ms=until_ms)
        return [found[expiry] for expiry in unknown]

    found = _last_minutes.of(underlying.symbol, [(before.date, (before, expiry)) for expiry in expiries], read)
    return dict(zip(expiries, found, strict=True))


def references_at(
    *, underlying: Underlying, sessions: Calendar, expiries: Sequence[date], until_ms: int, sessions_back: int = 0
) -> dict[date, Reference]:
    """Return chains as the newest minutes closed by an instant (ms UTC) had them; one query for the bars.

    Minutes of the session that had begun last by then, or of one of `sessions_back` before it.
    """
    stored = stored_market(
        underlying=underlying, sessions=sessions, expiries=expiries, until_ms=until_ms, sessions_back=sessions_back
    )
    return {expiry: _reference(stored, expiry) for expiry in expiries}


def _reference(stored: StoredMarket, expiry: date) -> Reference:
    layout = stored.only((expiry,))
    chain = layout.chains[0]
    quotes = chain.quotes(stored.state, layout.spot_slot)
    newest = max(stored.minute_ms[chain.slots[chain.slots != NOWHERE]].tolist(), default=0)
    return Reference(newest + MINUTE_MS if newest else None, quotes.strike, quotes.last, quotes.oi)


def _nothing() -> Reference:
    return Reference(None, np.empty(0), np.empty((2, 0)), np.empty((2, 0)))
