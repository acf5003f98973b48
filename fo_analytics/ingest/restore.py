"""A desk's minutes from the database: what a restarted ingest goes on from."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from django.db import connection

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.ticks import Ints
from fo_analytics.ingest.desk import Close, Desk
from fo_analytics.models import OfficialClose
from fo_analytics.queries import query

_NUMBERS = (
    "open", "high", "low", "close", "oi", "bid", "ask", "bid_qty", "ask_qty", "cumulative", "first_volume",
    "last_volume", "quote_volume",
)  # fmt: skip
_STAMPS = ("first_ts", "last_ts", "oi_ts", "quote_ts")


def restore(desk: Desk) -> None:
    """Fill a new desk with the session's stored minutes and official close (two queries)."""
    session = desk.session
    for time, rows in groupby(_stored(desk, session.opens_at, session.closes_at), key=lambda row: row[1]):
        index = int(session.minute_of([time])[0])
        if index >= 0:
            slots, minute = _minute(desk, list(rows))
            desk.book.restore(index, slots, minute)
    close = OfficialClose.objects.filter(underlying_id=desk.listing.underlying_id, date=session.date).first()
    if close is not None:
        desk.official_close = Close(close.underlying_id, close.date, close.price, to_ms(close.observed_at))


def _stored(desk: Desk, start: datetime, end: datetime) -> list[tuple[Any, ...]]:
    parameters = {
        "instrument_ids": desk.layout.instrument_ids.tolist(),
        "from": start,
        "to": end + timedelta(minutes=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(query("session_bars"), parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _minute(desk: Desk, rows: list[tuple[Any, ...]]) -> tuple[Ints, Minute]:
    """Return slots (k,) and bars (k,) of one stored minute."""
    slot_of = {instrument_id: slot for slot, instrument_id in enumerate(desk.layout.instrument_ids.tolist())}
    columns = list(zip(*rows, strict=True))
    minute = bars.empty(len(rows))
    for name, column in zip(_NUMBERS, columns[2:15], strict=True):
        minute[name] = np.array(column, np.float64)
    for name, column in zip(_STAMPS, columns[15:19], strict=True):
        minute[name] = column
    return np.array([slot_of[row[0]] for row in rows], np.int64), minute
