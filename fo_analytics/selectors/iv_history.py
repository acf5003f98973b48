"""IV rank and percentile: where a label's volatility stands among its daily values."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from django.db import connection

from fo_analytics.domain.calendar import Calendar, Session, to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.iv_rank import FEWEST_DAYS, iv_percentile, iv_rank
from fo_analytics.domain.ticks import Floats
from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.analytics import Insight, Json
from fo_analytics.selectors.chains import session_begun
from fo_analytics.selectors.reference import expiry_named
from fo_analytics.selectors.strike_distribution import Distribution


def iv_ranks(*, found: Distribution, chains: Sequence[Insight], asked: Sequence[str], days: int) -> list[Json]:
    """Return IV rank and percentile of each chain among the `days` sessions before its own; one query for all.

    A chain is followed by the label it was asked for by (`asked`), else by its first one. A day's value is the stored
    `atm_iv` of the expiry that bore the label at that session's close, at its last stored minute of the session.
    """
    labels = [_label(insight, asked) for insight in chains]
    window = sessions_before(as_of_ms=found.as_of_ms, sessions=found.table.calendar, days=days)
    wanted = tuple(dict.fromkeys(label for label in labels if label is not None))
    history = daily_atm_iv(underlying=found.underlying, labels=wanted, window=window)
    return [
        _standing(insight, label, history.get(label or "", np.empty(0)), window)
        for insight, label in zip(chains, labels, strict=True)
    ]


def sessions_before(*, as_of_ms: int, sessions: Calendar, days: int) -> list[Session]:
    """Return up to `days` sessions before the one that had begun last at an instant (ms UTC), in order of time."""
    session = session_begun(as_of_ms, sessions)
    found: list[Session] = []
    while session is not None and len(found) < days:
        session = sessions.last_session_before(session.date)
        if session is not None:
            found.append(session)
    return found[::-1]


def daily_atm_iv(*, underlying: Underlying, labels: Sequence[str], window: Sequence[Session]) -> Mapping[str, Floats]:
    """Return each label's ATM volatility (n,) at the end of each session, fraction a year, convention exact.

    NaN where nothing was stored or known. One query.
    """
    expiries = [
        expiry_named(underlying=underlying, label=label, as_of_ms=to_ms(session.closes_at))
        for label in labels
        for session in window
    ]
    values = _stored(underlying, expiries, list(window) * len(labels))
    return dict(zip(labels, values.reshape(len(labels), len(window)), strict=True))


def _stored(underlying: Underlying, expiries: Sequence[date | None], sessions: Sequence[Session]) -> Floats:
    values = np.full(len(expiries), np.nan)
    if not any(expiries):
        return values
    parameters: dict[str, Any] = {
        "underlying_id": underlying.pk,
        "expiries": list(expiries),
        "opens": [session.opens_at for session in sessions],
        "closes": [session.closes_at for session in sessions],
    }
    with connection.cursor() as cursor:
        cursor.execute(query("daily_atm_iv"), parameters)
        for place, value in cursor.fetchall():
            values[place - 1] = np.nan if value is None else value
    return values


def _label(insight: Insight, asked: Sequence[str]) -> str | None:
    named = {text.strip().replace(" ", "+").casefold() for text in asked}
    first = insight.labels[0] if insight.labels else None
    return next((label for label in insight.labels if label.casefold() in named), first)


def _standing(insight: Insight, label: str | None, history: Floats, window: Sequence[Session]) -> Json:
    atm_iv, convention = insight.chain.smile.atm_iv, insight.chain.value.convention
    value = atm_iv if convention is Convention.EXACT else np.nan
    rank, percentile = (float(measure(value, history)) for measure in (iv_rank, iv_percentile))
    known = int((~np.isnan(history)).sum())
    reason = None if rank == rank else _why(insight, label, known)
    return {
        "label": label,
        "days": len(window),
        "known_days": known,
        "first": window[0].date.isoformat() if window else None,
        "last": window[-1].date.isoformat() if window else None,
        "iv_rank": rank,
        "iv_percentile": percentile,
        "reason": reason,
    }


def _why(insight: Insight, label: str | None, known: int) -> str:
    """Return why there is no rank."""
    if label is None:
        return "expired"
    if insight.chain.value.convention is not Convention.EXACT:
        return "exact_only"
    if np.isnan(insight.chain.smile.atm_iv):
        return insight.chain.why_nothing or "no_volatility"
    return "no_range" if known >= FEWEST_DAYS else f"fewer_than_{FEWEST_DAYS}_days"
