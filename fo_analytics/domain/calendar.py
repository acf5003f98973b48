"""Trading sessions: when a market is open, which minute a tick belongs to, when contracts expire.

Instants are aware datetimes or int64 milliseconds since the Unix epoch, both UTC. Dates are exchange
dates (IST). Clock times are never written here: they come in with the sessions.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

IST = ZoneInfo("Asia/Kolkata")
MINUTE_MS = 60_000
LATE_GRACE_MS = 15 * MINUTE_MS
YEAR_MS = 365 * 86_400 * 1000

REGULAR = "regular"
ASSUMED = "assumed"

Milliseconds = npt.NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_MS = timedelta(milliseconds=1)
_ONE_DAY = timedelta(days=1)
_FIRST_WEEKEND_DAY = 5


def to_ms(instant: datetime) -> int:
    """Milliseconds since the Unix epoch, rounded down. Raises TypeError for a naive datetime."""
    return (instant - _EPOCH) // _ONE_MS


def from_ms(ms: int) -> datetime:
    """Aware UTC datetime of milliseconds since the Unix epoch; exact."""
    return _EPOCH + ms * _ONE_MS


def ist_instant(day: date, clock: time) -> datetime:
    """UTC instant of an IST clock time on an exchange date."""
    return datetime.combine(day, clock, tzinfo=IST).astimezone(UTC)


def ist_date(instant: datetime) -> date:
    """Exchange date (IST) of an aware instant. Raises ValueError for a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError(f"an aware instant is needed, not {instant!r}")
    return instant.astimezone(IST).date()


def is_weekend(day: date) -> bool:
    """Whether a date is a Saturday or a Sunday."""
    return day.weekday() >= _FIRST_WEEKEND_DAY


@dataclass(frozen=True, slots=True)
class Hours:
    """IST clock times of an ordinary day: open, close, and when contracts expiring that day stop."""

    opens: time
    closes: time
    expires: time


@dataclass(frozen=True, slots=True)
class Interval:
    """Continuous trading over [opens_at, closes_at), aware UTC instants."""

    opens_at: datetime
    closes_at: datetime

    def __post_init__(self) -> None:
        if self.opens_at.utcoffset() is None or self.closes_at.utcoffset() is None:
            raise ValueError("an interval needs aware instants")
        if self.closes_at <= self.opens_at:
            raise ValueError(f"an interval must close after it opens ({self.opens_at:%Y-%m-%d %H:%M} UTC)")

    @property
    def minutes(self) -> int:
        """Count of one-minute buckets; the last may be short."""
        return -(-(self.closes_at - self.opens_at) // timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of one exchange: intervals in time order that do not overlap.

    `kind` says what sort of day it is (regular, weekend, muhurat, split, assumed, ...); `expires_at` is the
    instant at which contracts expiring that day stop. Raises ValueError for intervals that are no session.
    """

    exchange: str
    date: date
    kind: str
    intervals: tuple[Interval, ...]
    expires_at: datetime

    def __post_init__(self) -> None:
        if not self.intervals:
            raise ValueError(f"{self.date}: a session needs at least one interval")
        for earlier, later in pairwise(self.intervals):
            if later.opens_at < earlier.closes_at:
                raise ValueError(f"{self.date}: intervals overlap or are out of order")
        if any(ist_date(i.opens_at) != self.date for i in self.intervals):
            raise ValueError(f"{self.date}: an interval opens on another date")

    @property
    def opens_at(self) -> datetime:
        """Open of the first interval."""
        return self.intervals[0].opens_at

    @property
    def closes_at(self) -> datetime:
        """Close of the last interval."""
        return self.intervals[-1].closes_at

    @property
    def minutes(self) -> int:
        """Count of one-minute buckets over all intervals."""
        return sum(interval.minutes for interval in self.intervals)

    @property
    def bucket_opens_ms(self) -> Milliseconds:
        """Open of every one-minute bucket, (minutes,) int64 milliseconds; none between intervals."""
        starts = [to_ms(i.opens_at) + MINUTE_MS * np.arange(i.minutes, dtype=np.int64) for i in self.intervals]
        return np.concatenate(starts)

    @property
    def bucket_starts(self) -> tuple[datetime, ...]:
        """Open of every one-minute bucket as aware UTC instants; same order as `bucket_opens_ms`."""
        return tuple(from_ms(int(ms)) for ms in self.bucket_opens_ms)

    def contains(self, instant: datetime) -> bool:
        """Whether trading goes on at the instant; the close itself is already outside."""
        return any(i.opens_at <= instant < i.closes_at for i in self.intervals)

    def minute_of(self, ts_ms: npt.ArrayLike) -> Milliseconds:
        """Bucket index 0..minutes-1 of each instant, -1 outside every interval. (n,) ms in, (n,) out."""
        ts = np.asarray(ts_ms, dtype=np.int64)
        found = np.full(ts.shape, -1, dtype=np.int64)
        first = 0
        for interval in self.intervals:
            opens, closes = to_ms(interval.opens_at), to_ms(interval.closes_at)
            inside = (ts >= opens) & (ts < closes)
            found = np.where(inside, first + (ts - opens) // MINUTE_MS, found)
            first += interval.minutes
        return found

    def late_minute(self, ts_ms: npt.ArrayLike, grace_ms: int = LATE_GRACE_MS) -> npt.NDArray[np.bool_]:
        """Mask of instants from the last close to `grace_ms` after it, both ends included. (n,) ms in."""
        ts = np.asarray(ts_ms, dtype=np.int64)
        closes = to_ms(self.closes_at)
        return np.asarray((ts >= closes) & (ts <= closes + grace_ms))


class Calendar:
    """The sessions of one exchange, with assumed weekday sessions after the last known one.

    `template` gives the hours of assumed sessions; without one they are those of the last regular
    session. Raises ValueError for a session of another exchange, a date given twice, or no hours at all.
    """

    def __init__(self, exchange: str, sessions: Iterable[Session], template: Hours | None = None) -> None:
        self.exchange = exchange
        self._sessions: dict[date, Session] = {}
        for session in sorted(sessions, key=lambda s: s.date):
            self._add(session)
        self._dates = list(self._sessions)
        self._template = template or self._latest_hours()

    def _add(self, session: Session) -> None:
        if session.exchange != self.exchange:
            raise ValueError(f"{session.date}: a session of {session.exchange} in the calendar of {self.exchange}")
        if session.date in self._sessions:
            raise ValueError(f"{session.date}: two sessions of {self.exchange} on one date")
        self._sessions[session.date] = session

    def _latest_hours(self) -> Hours:
        regular = [s for s in self._sessions.values() if s.kind == REGULAR]
        if not regular:
            raise ValueError(f"the calendar of {self.exchange} has neither a regular session nor a template")
        last = regular[-1]
        instants = (last.opens_at, last.closes_at, last.expires_at)
        return Hours(*(instant.astimezone(IST).time() for instant in instants))

    @property
    def known_until(self) -> date | None:
        """Date of the last session that is not assumed; None where every session is assumed."""
        return self._dates[-1] if self._dates else None

    def session_on(self, day: date) -> Session | None:
        """The session of an exchange date; None on a closed day. Weekdays past `known_until` are assumed."""
        if self._is_past_known(day) and not is_weekend(day):
            return self._assumed(day)
        return self._sessions.get(day)

    def _is_past_known(self, day: date) -> bool:
        return self.known_until is None or day > self.known_until

    def _assumed(self, day: date) -> Session:
        hours = self._template
        interval = Interval(ist_instant(day, hours.opens), ist_instant(day, hours.closes))
        return Session(self.exchange, day, ASSUMED, (interval,), ist_instant(day, hours.expires))

    def session_at(self, instant: datetime) -> Session | None:
        """The session in which trading goes on at an aware instant; None while the market is closed."""
        session = self.session_on(ist_date(instant))
        return session if session is not None and session.contains(instant) else None

    def is_open(self, instant: datetime) -> bool:
        """Whether trading goes on at an aware instant."""
        return self.session_at(instant) is not None

    def last_session_before(self, day: date) -> Session | None:
        """The latest session on a date before `day`; None before the first known one."""
        previous = day - _ONE_DAY
        while self._is_past_known(previous):
            if not is_weekend(previous):
                return self._assumed(previous)
            previous -= _ONE_DAY
        index = bisect_left(self._dates, day)
        return self._sessions[self._dates[index - 1]] if index else None

    def next_session_after(self, day: date) -> Session:
        """The earliest session on a date after `day`; always one, as later weekdays are assumed."""
        index = bisect_right(self._dates, day)
        if index < len(self._dates):
            return self._sessions[self._dates[index]]
        following = day + _ONE_DAY
        while is_weekend(following):
            following += _ONE_DAY
        return self._assumed(following)

    def sessions_between(self, first: date, last: date) -> list[Session]:
        """Sessions from `first` to `last`, both included, in time order."""
        days = (first + n * _ONE_DAY for n in range((last - first).days + 1))
        return [session for day in days if (session := self.session_on(day)) is not None]

    def expires_at(self, expiry: date) -> datetime:
        """Instant (UTC) at which contracts of an expiry date stop; the template's on a closed day."""
        session = self.session_on(expiry)
        return session.expires_at if session is not None else ist_instant(expiry, self._template.expires)


def years_to_expiry(expires_at_ms: int, as_of_ms: int) -> float:
    """Years of 365 days between two instants in milliseconds, at least one second; NaN once expired."""
    left = expires_at_ms - as_of_ms
    return max(left, 1000) / YEAR_MS if left > 0 else float("nan")


def calendar_days(expiry: date, as_of: datetime) -> int:
    """Whole IST calendar days from the instant to the expiry date; 0 on the day itself, negative after."""
    return (expiry - ist_date(as_of)).days
