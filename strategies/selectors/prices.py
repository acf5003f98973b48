"""Prices of stored minutes as marks: for what second marks do not say (any more)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain import MarkSource, mark
from strategies.domain.money import Ints, points_of_floats
from strategies.domain.positions import Marks, Mask
from strategies.queries import query
from tradingviz.core.sql import array_text

Floats = npt.NDArray[np.float64]

# As fo_analytics.selectors.marks: twice the instrument's key, and one more where it is the mid.
KINDS = 2


def newest_prices(*, slot: Ints, before: Ints) -> tuple[Ints, Marks]:
    """Return the newest price of slots of marks (n,) before an instant each (n,), Unix seconds, in stored minutes.

    First the places (k,) of those that have one, then their marks (k,). One query, none for nothing.
    """
    if not len(slot):
        return slot, Marks(slot, slot, slot)
    parameters = {"instruments": array_text((slot // KINDS).tolist()), "before": array_text(before.tolist())}
    with connection.cursor() as cursor:
        cursor.execute(query("newest_prices"), parameters)
        rows = cursor.fetchall()
    place = np.array([row[0] - 1 for row in rows], np.int64)
    known, marks = _marks(slot[place], [row[1:] for row in rows])
    return place[known], marks


def minute_prices(*, marked: Ints, first: int, end: int) -> Marks:
    """Return the prices at the close of every stored minute of [first, end), Unix seconds, of slots of marks (s,).

    One query.
    """
    instruments = np.unique(marked // KINDS)
    parameters: dict[str, Any] = {"instruments": array_text(instruments.tolist()), "from": first, "to": end}
    with connection.cursor() as cursor:
        cursor.execute(query("minute_prices"), parameters)
        rows = cursor.fetchall()
    of = np.array([row[0] for row in rows], np.int64)
    last, mid = (_marks(of * KINDS + kind, [row[2:] for row in rows])[1] for kind in range(KINDS))
    both = last.joined(mid)
    wanted = np.isin(both.slot, marked)
    return Marks(both.slot[wanted], both.ts[wanted], both.price[wanted])


def _marks(slot: Ints, rows: Sequence[tuple[Any, ...]]) -> tuple[Mask, Marks]:
    """Of slots (n,) which have a price, and their marks, from last price and stamp, bid, ask and stamp, tick size."""
    last, bid, ask, tick = (_floats([row[place] for row in rows]) for place in (0, 2, 3, 5))
    last_ts, quote_ts = (_stamps([row[place] for row in rows]) for place in (1, 4))
    mid, source = mark(bid, ask, last, tick)
    is_mid = (slot % KINDS == 1) & (source == MarkSource.MID)
    price = points_of_floats(np.where(slot % KINDS == 1, mid, last))
    ts = np.where(is_mid, quote_ts, last_ts)
    known = (price > 0) & (ts > 0)
    return known, Marks(slot[known], ts[known], price[known])


def _floats(values: Sequence[float | Decimal | None]) -> Floats:
    return np.array([np.nan if value is None else float(value) for value in values], np.float64)


def _stamps(values: Sequence[datetime | None]) -> Ints:
    return np.array([0 if value is None else to_ms(value) for value in values], np.int64)
