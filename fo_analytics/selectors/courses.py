"""How sessions went: what was at the money of an expiry by the minute, and the closes of the underlying's own bars.

All questions about a session start from these; they are remembered until a commit touches it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import Session, to_ms
from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.chains import milliseconds
from fo_analytics.selectors.runs import read_runs
from fo_analytics.session_memory import SessionMemory
from tradingviz.core.sql import array_text, read_numbers

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# A session of one takes 6 kB.
_MOST = 2_048


@dataclass(frozen=True, slots=True)
class Course:
    """What was known (n,), rupees, at the minutes or bars that open at `time_ms` (n,), ms UTC, ascending."""

    time_ms: Ints
    value: Floats

    def at(self, time_ms: Ints) -> Floats:
        """Return what was known at instants (ms UTC), NaN where nothing was."""
        place = np.searchsorted(self.time_ms, time_ms)
        known = np.append(self.time_ms, -1)[place] == time_ms
        return np.where(known, np.append(self.value, np.nan)[place], np.nan)


_money: SessionMemory[date, Course] = SessionMemory(most=_MOST)
"""By expiry."""
_closes: SessionMemory[tuple[int, str], Course] = SessionMemory(most=_MOST)
"""By instrument and timeframe."""


def money_courses(
    *, underlying: Underlying, wanted: Sequence[tuple[Session, date]]
) -> Mapping[tuple[date, date], Course]:
    """Return what was at the money of expiries, given with the sessions, by exchange date and expiry.

    Minutes that did not know it are left out. At most one query.
    """
    sessions = {session.date: session for session, _ in wanted}

    def read(missing: list[tuple[date, date]]) -> dict[tuple[date, date], Course]:
        spans = [sessions[day] for day, _ in missing]
        parameters = {
            "underlying_id": underlying.pk,
            "expiries": array_text(expiry for _, expiry in missing),
            "opens": array_text(to_ms(session.opens_at) // 1000 for session in spans),
            "closes": array_text(to_ms(session.closes_at) // 1000 for session in spans),
            "from": min(session.opens_at for session in spans),
            "until": max(session.closes_at for session in spans),
        }
        names = ("number", "opened", "money")
        found = read_numbers(f"({query('money_minutes')}) AS found ({', '.join(names)})", parameters, names)
        return dict(zip(missing, _split(found["number"], found["opened"], found["money"], len(missing)), strict=True))

    return _money.of(underlying.symbol, [(session.date, expiry) for session, expiry in wanted], read)


def closes(*, underlying: Underlying, instrument_id: int, sessions: Sequence[Session], timeframe: str) -> Course:
    """Return the closes of an instrument of an underlying over sessions (one at least, in order); at most one query."""
    of, by_date = (instrument_id, timeframe), {session.date: session for session in sessions}

    def read(missing: list[tuple[date, tuple[int, str]]]) -> dict[tuple[date, tuple[int, str]], Course]:
        spans = [by_date[day] for day, _ in missing]
        begins = np.array([to_ms(session.opens_at) for session in spans])
        _, opened, found = read_runs(
            instrument=np.full(len(spans), instrument_id),
            begins_ms=begins,
            ends_ms=np.array([to_ms(session.closes_at) for session in spans]),
            timeframe=timeframe,
            columns=("close",),
        )
        number = np.searchsorted(begins, opened, side="right")
        return dict(zip(missing, _split(number, opened / 1000, found["close"], len(spans)), strict=True))

    keys = [(day, of) for day in by_date]
    found = _closes.of(underlying.symbol, keys, read)
    courses = [found[key] for key in keys]
    return Course(np.concatenate([each.time_ms for each in courses]), np.concatenate([each.value for each in courses]))


def _split(number: Floats | Ints, opened_s: Floats, value: Floats, count: int) -> list[Course]:
    """Return rows in no certain order as courses: those numbered 1, 2, … `count`."""
    order = np.lexsort((opened_s, number))
    time_ms, value = milliseconds(opened_s)[order], value[order]
    ends = np.searchsorted(number[order], np.arange(1, count), side="right")
    return [Course(*part) for part in zip(np.split(time_ms, ends), np.split(value, ends), strict=True)]
