"""Chains as they were: what changes are counted from."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS, Calendar, to_ms
from fo_analytics.domain.changes import Reference
from fo_analytics.domain.layout import NOWHERE
from fo_analytics.models import Underlying
from fo_analytics.selectors.chains import StoredMarket, session_begun, stored_market
from tradingviz.core.cache import remembered

DAY_SECONDS = 300.0
"""How long a process keeps yesterday's last minutes: they only change when a hole is filled."""


def day_references(
    *, underlying: Underlying, sessions: Calendar, expiries: Sequence[date], as_of_ms: int, live: bool
) -> Mapping[date, Reference]:
    """Return chains as of the last stored minutes of the session before the one that had begun last (ms UTC).

    Where `live` they are remembered for five minutes: they are the same all day. At most one query for the bars.
    """
    session = session_begun(as_of_ms, sessions)
    before = session and sessions.last_session_before(session.date)
    if before is None:
        return {expiry: _nothing() for expiry in expiries}
    held = _held(underlying_id=underlying.pk, session=before.date) if live else {}
    if missing := [expiry for expiry in expiries if expiry not in held]:
        until_ms = to_ms(before.closes_at)
        held.update(references_at(underlying=underlying, sessions=sessions, expiries=missing, until_ms=until_ms))
    return {expiry: held[expiry] for expiry in expiries}


@remembered(seconds=DAY_SECONDS)
def _held(*, underlying_id: int, session: date) -> dict[date, Reference]:
    """References by expiry, filled by those who ask."""
    return {}


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
    layout = stored.only(expiry)
    chain = layout.chains[0]
    quotes = chain.quotes(stored.state, layout.spot_slot)
    newest = max(stored.minute_ms[chain.slots[chain.slots != NOWHERE]].tolist(), default=0)
    return Reference(newest + MINUTE_MS if newest else None, quotes.strike, quotes.last, quotes.oi)


def _nothing() -> Reference:
    return Reference(None, np.empty(0), np.empty((2, 0)), np.empty((2, 0)))
