"""Holes in the stored minutes, and what is known of the contracts that could fill them."""

from collections import defaultdict
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from fo_analytics.domain.calendar import Calendar, Session, from_ms, to_ms
from fo_analytics.domain.holes import Hole, closed_until, holes_in
from fo_analytics.domain.repair import Repairable
from fo_analytics.models import Bar, Instrument, InstrumentKind, SessionKind, Underlying
from fo_analytics.queries import query


def find_holes(
    *, underlying: Underlying, calendar: Calendar, first: date, last: date, now_ms: int, simulated: bool = False
) -> list[Hole]:
    """Return the holes of an underlying in the sessions from `first` to `last`, ascending; one query.

    Those of the simulator's sessions count with `simulated`: a demo that began at noon need not know its morning.
    """
    until = closed_until(now_ms)
    sessions = [
        session
        for session in calendar.sessions_between(first, last)
        if (simulated or session.kind != SessionKind.SIMULATED) and to_ms(session.opens_at) < until
    ]
    held = _minutes_with_bars(underlying, sessions) if sessions else set()
    return [hole for session in sessions for hole in holes_in(session, held, closed_until_ms=until)]


def _minutes_with_bars(underlying: Underlying, sessions: list[Session]) -> set[int]:
    first, last = sessions[0], sessions[-1]
    parameters: dict[str, Any] = {
        "underlying_id": underlying.pk,
        "first": first.date,
        "from": first.opens_at,
        "to": last.closes_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(query("minutes_with_bars"), parameters)
        return {to_ms(minute) for (minute,) in cursor.fetchall()}


def repairables(*, underlying: Underlying, calendar: Calendar, hole: Hole) -> list[Repairable]:
    """Return the contracts to fill a hole with (two to three queries).

    They are alive that day, and ticked on it or in the session before; where none did, all that were listed count. The
    spot is among them either way.
    """
    rows = list(_contracts(underlying, calendar, hole.session).values_list("pk", "token", "kind", "expiry"))
    known = _known_volumes([pk for pk, *_ in rows], hole)
    return [
        Repairable(token, None if expiry is None else to_ms(calendar.expires_at(expiry)), known[pk])
        for pk, token, _, expiry in rows
    ]


def _contracts(underlying: Underlying, calendar: Calendar, session: Session) -> QuerySet[Instrument]:
    day = session.date
    before = calendar.last_session_before(day) or session
    ticked = Bar.objects.filter(instrument=OuterRef("pk"), time__gte=before.opens_at, time__lt=session.closes_at)
    own = Instrument.objects.filter(underlying=underlying)
    spot = Q(kind=InstrumentKind.SPOT)
    alive = own.filter(spot | Q(expiry__gte=day))
    if alive.filter(Exists(ticked)).exists():
        return alive.filter(spot | Exists(ticked))
    listed = Q(valid_from=None) | Q(valid_from__lte=day), Q(valid_to=None) | Q(valid_to__gte=day)
    return alive.filter(*listed)


def _known_volumes(instrument_ids: list[int], hole: Hole) -> dict[int, list[tuple[int, float]]]:
    parameters: dict[str, Any] = {
        "instrument_ids": instrument_ids,
        "opens": hole.session.opens_at,
        "from": from_ms(hole.from_ms),
        "to": from_ms(hole.to_ms),
        "closes": hole.session.closes_at,
    }
    known: dict[int, list[tuple[int, float]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(query("known_volumes"), parameters)
        for instrument_id, stamp, units in cursor.fetchall():
            known[instrument_id].append((stamp, float(units)))
    return known
