"""How sessions went: what was at the money of an expiry, bucket by bucket, and the closes of the underlying's own bars.

All questions about a session start from these; they are remembered until a commit touches it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import Session, to_ms
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.chains import milliseconds
from fo_analytics.selectors.runs import read_runs
from fo_analytics.session_memory import SessionMemory
from tradingviz.core.sql import array_text, read_numbers

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Sixteen bytes each; and what an entry costs besides, as rows.
_MOST_ROWS, _ENTRY_ROWS = 1_000_000, 32


@dataclass(frozen=True, slots=True)
class Course:
    """What was known (n,), rupees, of the buckets that open at `time_ms` (n,), ms UTC, ascending."""

    time_ms: Ints
    value: Floats

    def at(self, time_ms: Ints) -> Floats:
        """Return what was known at instants (ms UTC), NaN where nothing was."""
        place = np.searchsorted(self.time_ms, time_ms)
        known = np.append(self.time_ms, -1)[place] == time_ms
        return np.where(known, np.append(self.value, np.nan)[place], np.nan)


def _rows(course: Course) -> int:
    return len(course.time_ms) + _ENTRY_ROWS


# What is kept depends on the hours of the session too: they are part of the key.
_Key = tuple[Session, date, str]
_money: SessionMemory[_Key, Course] = SessionMemory(most=_MOST_ROWS, weigh=_rows)
"""By session, expiry and timeframe."""
_closes: SessionMemory[tuple[Session, int, str], Course] = SessionMemory(most=_MOST_ROWS, weigh=_rows)
"""By session, instrument and timeframe."""


def money_courses(*, underlying: Underlying, wanted: Sequence[tuple[Session, date]], timeframe: str) -> list[Course]:
    """Return what was at the money of each session and expiry; at most one query.

    The money of a bucket is that of its newest minute which knew one; buckets without are left out.
    """

    def read(missing: list[tuple[date, _Key]]) -> list[Course]:
        return _read_money(underlying, [(session, expiry) for _, (session, expiry, _) in missing], timeframe)

    keys = [(session.date, (session, expiry, timeframe)) for session, expiry in wanted]
    return _money.of(underlying.symbol, keys, read)


def _read_money(underlying: Underlying, wanted: Sequence[tuple[Session, date]], timeframe: str) -> list[Course]:
    sessions = [session for session, _ in wanted]
    parameters = {
        "underlying_id": underlying.pk,
        "minutes": MINUTES[timeframe],
        "expiries": array_text(expiry for _, expiry in wanted),
        "opens": array_text(to_ms(session.opens_at) // 1000 for session in sessions),
        "closes": array_text(to_ms(session.closes_at) // 1000 for session in sessions),
        "from": min(session.opens_at for session in sessions),
        "until": max(session.closes_at for session in sessions),
    }
    names = ("number", "opened", "money")
    found = read_numbers(f"({query('money')}) AS found ({', '.join(names)})", parameters, names)
    return _split(found["number"], milliseconds(found["opened"]), found["money"], len(wanted))


def closes(*, underlying: Underlying, instrument_id: int, sessions: Sequence[Session], timeframe: str) -> Course:
    """Return the closes of an instrument of an underlying over sessions (one at least, in order); at most one query."""

    def read(missing: list[tuple[date, tuple[Session, int, str]]]) -> list[Course]:
        spans = [session for _, (session, _, _) in missing]
        begins = np.array([to_ms(session.opens_at) for session in spans])
        _, opened, found = read_runs(
            instrument=np.full(len(spans), instrument_id),
            begins_ms=begins,
            ends_ms=np.array([to_ms(session.closes_at) for session in spans]),
            timeframe=timeframe,
            columns=("close",),
        )
        return _split(np.searchsorted(begins, opened, side="right"), opened, found["close"], len(spans))

    keys = [(session.date, (session, instrument_id, timeframe)) for session in dict.fromkeys(sessions)]
    courses = _closes.of(underlying.symbol, keys, read)
    return Course(np.concatenate([each.time_ms for each in courses]), np.concatenate([each.value for each in courses]))


def _split(number: Floats | Ints, time_ms: Ints, value: Floats, count: int) -> list[Course]:
    """Return rows in no certain order as courses: those numbered 1, 2, … `count`."""
    order = np.lexsort((time_ms, number))
    time_ms, value = time_ms[order], value[order]
    ends = np.searchsorted(number[order], np.arange(1, count), side="right")
    # Copies: one that is remembered must not keep what was read with it.
    parts = zip(np.split(time_ms, ends), np.split(value, ends), strict=True)
    return [Course(each_time.copy(), each_value.copy()) for each_time, each_value in parts]
