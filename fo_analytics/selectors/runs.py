"""Bars of many instruments at many instants, read as the runs that they are in the index."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import MINUTE_MS, from_ms
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.queries import query
from fo_analytics.selectors.chains import milliseconds
from tradingviz.core.sql import array_text, read_numbers

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Floats]

# Of one minute, and of more.
_BARS = ("bar", "(SELECT * FROM bar_rollup WHERE timeframe = %(timeframe)s)")
# Minutes since the Unix epoch stay below two to the power of this until 2097.
_MINUTE_BITS = 26


def bars_at(
    *, instrument: Ints, time_ms: Ints, timeframe: str, columns: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], Columns]:
    """Return which of the bars (n,) of instruments that open at instants (ms UTC) there are, and their columns (n,).

    At most one query. NaN: there is no bar, or it does not know. `columns` are names of the table, never a client's.
    """
    if not len(instrument):
        return np.zeros(0, np.bool_), dict.fromkeys(columns, np.empty(0))
    key = _keys(instrument, time_ms)
    wanted = np.unique(key)
    ends = np.flatnonzero(np.diff(wanted) != MINUTES[timeframe])
    first, last = wanted[np.append(0, ends + 1)], wanted[np.append(ends, -1)]
    stood, opened, found = read_runs(
        instrument=first >> _MINUTE_BITS,
        begins_ms=_minute(first) * MINUTE_MS,
        ends_ms=(_minute(last) + 1) * MINUTE_MS,
        timeframe=timeframe,
        columns=columns,
    )
    held = _keys(stood, opened)
    order = np.argsort(held)
    # One more behind all, for what is beyond them.
    row = np.append(order, -1)[np.searchsorted(held[order], key)]
    there = np.append(held, -1)[row] == key
    return there, {name: np.where(there, np.append(column, np.nan)[row], np.nan) for name, column in found.items()}


def read_runs(
    *, instrument: Ints, begins_ms: Ints, ends_ms: Ints, timeframe: str, columns: Sequence[str]
) -> tuple[Ints, Ints, Columns]:
    """Return the bars (n,) of instruments that open in [begins_ms, ends_ms), stamps in ms UTC; one query.

    Their instruments, their opens and their columns, in no certain order.
    """
    parameters: dict[str, Any] = {
        "instruments": array_text(instrument.tolist()),
        "begins": array_text((begins_ms // 1000).tolist()),
        "ends": array_text((ends_ms // 1000).tolist()),
        "timeframe": timeframe,
        "from": from_ms(int(begins_ms.min())),
        "until": from_ms(int(ends_ms.max())),
    }
    names = ("instrument_id", "opened", *columns)
    text = query("runs").format(
        bars=_BARS[MINUTES[timeframe] > 1], columns=", ".join(f"bar.{name}" for name in columns)
    )
    found = read_numbers(f"({text}) AS found ({', '.join(names)})", parameters, names)
    stood, opened = found.pop("instrument_id").astype(np.int64), milliseconds(found.pop("opened"))
    return stood, opened, found


def _keys(instrument: Ints, time_ms: Ints) -> Ints:
    return instrument << _MINUTE_BITS | time_ms // MINUTE_MS


def _minute(key: Ints) -> Ints:
    return key & (1 << _MINUTE_BITS) - 1
