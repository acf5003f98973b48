"""How sessions went: what was at the money of an expiry, bucket by bucket, and the closes of the underlying's own bars.

All questions about a session start from these; they are remembered until a commit touches it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import MINUTE_MS, Session, to_ms
from fo_analytics.domain.timeframes import MINUTES
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
    """What was known (n,), rupees, of the buckets that open at `time_ms` (n,), ms UTC, ascending."""

    time_ms: Ints
    value: Floats

    def at(self, time_ms: Ints) -> Floats:
        """Return what was known at instants (ms UTC), NaN where nothing was."""
        place = np.searchsorted(self.time_ms, time_ms)
        known = np.append(self.time_ms, -1)[place] == time_ms
        return np.where(known, np.append(self.value, np.nan)[place], np.nan)


_money: SessionMemory[tuple[date, str], Course] = SessionMemory(most=_MOST)
"""By expiry and timeframe."""
_closes: SessionMemory[tuple[int, str], Course] = SessionMemory(most=_MOST)
"""By instrument and timeframe."""


def money_courses(*, underlying: Underlying, wanted: Sequence[tuple[Session, date]], timeframe: str) -> list[Course]:
    """Return what was at the money of each session and expiry; at most one query.

    The money of a bucket is that of its newest minute which knew one; buckets without are left out.
    """
    sessions = {session.date: session for session, _ in wanted}

    def read(missing: list[tuple[date, tuple[date, str]]]) -> dict[tuple[date, tuple[date, str]], Course]:
        found = _money_minutes(underlying, [(sessions[day], expiry) for day, (expiry, _) in missing])
        return {key: _buckets(course, sessions[key[0]], timeframe) for key, course in zip(missing, found, strict=True)}

    keys = [(session.date, (expiry, timeframe)) for session, expiry in wanted]
    courses = _money.of(underlying.symbol, keys, read)
    return [courses[key] for key in keys]


def _money_minutes(underlying: Underlying, wanted: Sequence[tuple[Session, date]]) -> list[Course]:
    """Return what was at the money of each session and expiry, by the minute; one query."""
    sessions = [session for session, _ in wanted]
    parameters = {
        "underlying_id": underlying.pk,
        "expiries": array_text(expiry for _, expiry in wanted),
        "opens": array_text(to_ms(session.opens_at) // 1000 for session in sessions),
        "closes": array_text(to_ms(session.closes_at) // 1000 for session in sessions),
        "from": min(session.opens_at for session in sessions),
        "until": max(session.closes_at for session in sessions),
    }
    names = ("number", "opened", "money")
    found = read_numbers(f"({query('money_minutes')}) AS found ({', '.join(names)})", parameters, names)
    return _split(found["number"], found["opened"], found["money"], len(wanted))


def _buckets(minutes: Course, session: Session, timeframe: str) -> Course:
    opens, width = to_ms(session.opens_at), MINUTES[timeframe] * MINUTE_MS
    opened = opens + (minutes.time_ms - opens) // width * width
    newest = np.diff(opened, append=-1) != 0
    return Course(opened[newest], minutes.value[newest])


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
