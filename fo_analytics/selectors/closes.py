"""What contracts are settled by: official closes, and until these are there the last spot. Rupees."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db import connection

from fo_analytics.models import OfficialClose
from fo_analytics.queries import query
from fo_analytics.selectors.reference import calendar, underlyings_by_key
from tradingviz.core.sql import array_text

Key = tuple[int, date]
"""An underlying's primary key and a date."""


class LastSpot(NamedTuple):
    """A price (rupees), when it was made, and when the newest minute began that any is stored of since (ms UTC)."""

    price: float
    ts: int
    newest_ts: int


def official_closes(*, wanted: Iterable[Key]) -> dict[Key, float]:
    """Return the official closes of underlyings on dates, where they are known. One query."""
    keys = set(wanted)
    if not keys:
        return {}
    rows = OfficialClose.objects.filter(underlying__in={key for key, _ in keys}, date__in={day for _, day in keys})
    found = {(key, day): price for key, day, price in rows.values_list("underlying_id", "date", "price")}
    return {key: price for key, price in found.items() if key in keys}


def last_spots(*, wanted: Iterable[Key]) -> dict[Key, LastSpot]:
    """Return the last price of underlyings on dates, where bars have one: of the minutes before contracts expired.

    One query, besides reference data that is remembered.
    """
    underlyings = underlyings_by_key()
    spans: list[tuple[int, date, str, str]] = []
    for key, day in sorted(set(wanted)):
        sessions = calendar(exchange=underlyings[key].exchange) if key in underlyings else None
        session = sessions.session_on(day) if sessions else None
        if session is not None:
            spans.append((key, day, session.opens_at.isoformat(), session.expires_at.isoformat()))
    if not spans:
        return {}
    keys, days, froms, tos = zip(*spans, strict=True)
    texts = {"dates": array_text(days), "froms": f"{{{','.join(froms)}}}", "tos": f"{{{','.join(tos)}}}"}
    with connection.cursor() as cursor:
        cursor.execute(query("last_spots"), {"underlying_ids": list(keys), **texts})
        return {(key, day): LastSpot(*last) for key, day, *last in cursor.fetchall()}
