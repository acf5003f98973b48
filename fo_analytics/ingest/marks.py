"""Keeps second marks of held instruments in Redis: what strategies are marked to market with.

Each minute has one key that needs no other: the marks of the minute, and the newest before it of everything held in
that day's sessions. It is written to before the ticks are acknowledged, and only ever added to: whatever is there twice
changes nothing. So a tick that comes late goes to its own minute and to those after it that may be there already.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import redis

from fo_analytics.domain.calendar import LATE_GRACE_MS, MINUTE_MS
from fo_analytics.domain.marks import RAW, Records, newest, of_state, of_ticks, packed
from fo_analytics.domain.ticks import Floats, Ints, Mask, Ticks
from fo_analytics.held import Kinds, held, held_version
from fo_analytics.ingest.desk import Desk
from fo_analytics.ingest.engine import Engine
from fo_analytics.ingest.recent import RecentTicks
from fo_analytics.marks_keys import CHANGES, DUE, KEEP_SECONDS, minute_key

MINUTE = MINUTE_MS // 1000
LATE = LATE_GRACE_MS // 1000
LOOK_SECONDS = 1.0
ASK_SECONDS = 30.0
DAYS_KEPT = 3

_WRITE = """
local change = redis.call('INCR', KEYS[2])
for at = 3, #ARGV, 3 do
  redis.call('APPEND', ARGV[1] .. ARGV[at], ARGV[at + 2])
  redis.call('EXPIRE', ARGV[1] .. ARGV[at], ARGV[2])
  if ARGV[at + 1] == '1' then redis.call('ZADD', KEYS[1], change, ARGV[at]) end
end
return change
"""


@dataclass(slots=True)
class _Sheet:
    """What is held of one desk: `kinds` (n,) by slot; `fresh` (n,) what of it is held since a moment ago.

    `minutes`: those whose keys hold what was newest before them.
    """

    desk: Desk
    version: tuple[int, int]
    kinds: npt.NDArray[np.uint8]
    fresh: Mask
    minutes: set[int] = field(default_factory=set)

    @classmethod
    def of(
        cls, desk: Desk, version: tuple[int, int], kinds: npt.NDArray[np.uint8], before: "_Sheet | None"
    ) -> "_Sheet":
        """Return the sheet that follows another one of the same desk, if there was one."""
        if before is None or before.desk is not desk:
            return cls(desk, version, kinds, kinds > 0)
        held = np.pad(before.kinds, (0, len(kinds) - len(before.kinds)))
        fresh = np.pad(before.fresh, (0, len(kinds) - len(before.kinds)))
        return cls(desk, version, kinds, ((kinds & ~held) > 0) | (fresh & (kinds > 0)), before.minutes)

    def take(self, slots: Ints) -> tuple[Ints, Floats, Mask]:
        """Return the instruments (n,) of slots, their ticks in rupees, and where quotes are wanted."""
        wanted = (self.kinds[slots] & Kinds.MID) > 0
        return self.desk.layout.instrument_ids[slots], self.desk.tick_size[slots], wanted

    def marks_of(self, ticks: Ticks, wanted: Mask) -> Records:
        """Return the marks of ticks inside the session's hours, of the slots wanted (n,) and held."""
        inside = self.desk.session.minute_of(ticks.ts) >= 0
        chosen = ticks.take(inside & wanted[ticks.slot] & (self.kinds[ticks.slot] > 0))
        return of_ticks(chosen, *self.take(chosen.slot))

    def known_before(self, minute: int, wanted: Mask) -> Records:
        """Return the newest marks before a minute (its open, Unix seconds), of the slots wanted (n,) and held."""
        slots = np.flatnonzero(wanted & (self.kinds > 0))
        return of_state(self.desk.state_before(minute * 1000)[slots], *self.take(slots))


@dataclass(slots=True)
class _Day:
    """A date's sessions: the newest minute anything is known of, what is held, and what was said since the last write.

    `minutes` are those of all ticks, `said` the marks.
    """

    current: int = 0
    sheets: dict[int, _Sheet] = field(default_factory=dict)
    minutes: set[int] = field(default_factory=set)
    said: list[Records] = field(default_factory=list)


class _Blobs:
    """What a write adds to minutes, and which of them are due."""

    def __init__(self) -> None:
        self._found: dict[int, list[bytes]] = defaultdict(list)
        self._due: set[int] = set()

    def add(self, minute: int, marks: Records, *, due: bool) -> None:
        if len(marks):
            self._found[minute].append(packed(marks, minute=minute))
            self._due |= {minute} if due else set()

    def arguments(self) -> list[bytes | int | str]:
        return [
            part
            for minute, blobs in self._found.items()
            for part in (minute, int(minute in self._due), b"".join(blobs))
        ]


class SecondMarks:
    """The marks of one ingest process. Tell it of live ticks by `note`; nothing is written before `flush`.

    `is_ours` tells of an underlying's symbol whether its ticks come to this process.
    """

    def __init__(self, client: redis.Redis, engine: Engine, *, is_ours: Callable[[str], bool]) -> None:
        self._client = client
        self._engine = engine
        self._is_ours = is_ours
        self._days: dict[date, _Day] = {}
        self._held: dict[int, int] = {}
        self._owners: list[int] = []
        self._recent = RecentTicks()
        self._version = 0
        self._noted_version = -1
        self._look_at = self._ask_at = 0.0
        self.forget()

    def forget(self) -> None:
        """Let go of everything, as the engine does: what was not written comes again."""
        self._days.clear()
        self._recent.clear()
        self._look_at = self._ask_at = 0.0

    def look(self) -> None:
        """Ask what is held, where that is due. Raises redis.RedisError, django.db.Error."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        noted = held_version(self._client)
        if now < self._ask_at and noted == self._noted_version:
            return
        self._noted_version, self._ask_at = noted, now + ASK_SECONDS
        self._take(held())

    def _take(self, found: dict[int, int]) -> None:
        master = self._engine.master
        owners = np.unique(master.owners_of(np.array([*found], np.int64))).tolist()
        ours = [owner for owner in owners if owner in master.listings and self._is_ours(master.listings[owner].symbol)]
        if (found, ours) != (self._held, self._owners):
            self._held, self._owners, self._version = found, ours, self._version + 1

    def note(self, desk: Desk, ticks: Ticks) -> None:
        """Take live ticks of a desk's date in, `slot` being that of the desk; those outside its hours do not count."""
        self._recent.add(desk, ticks)
        if not self._held:
            return
        inside = desk.session.minute_of(ticks.ts) >= 0
        if not inside.any():
            return
        day = self._days.setdefault(desk.session.date, _Day())
        day.minutes.update(np.unique(ticks.ts[inside] // MINUTE_MS * MINUTE).tolist())
        sheet = self._sheet(day, desk)
        if sheet.kinds.any() and len(marks := sheet.marks_of(ticks, sheet.kinds > 0)):
            day.said.append(marks)

    def flush(self) -> None:
        """Write what was noted. Raises redis.RedisError, django.db.Error: then `forget`."""
        if not self._held:
            return
        blobs = _Blobs()
        for date_, day in self._days.items():
            if day.minutes:
                self._write_day(date_, day, blobs)
        if arguments := blobs.arguments():
            self._client.eval(_WRITE, 2, DUE, CHANGES, minute_key(""), KEEP_SECONDS, *arguments)
        # Only now: what was noted of many days in one batch was all to be written.
        for date_ in list(self._days)[:-DAYS_KEPT]:
            del self._days[date_]

    def _write_day(self, date_: date, day: _Day, blobs: _Blobs) -> None:
        sheets = self._sheets(date_, day)
        day.current = max(
            day.current, *day.minutes, *(_newest_minute(sheet.desk) for sheet in sheets if sheet.fresh.any())
        )
        said = newest(np.concatenate(day.said)) if day.said else None
        for minute in _touched(day.minutes, day.current):
            for sheet in sheets:
                if minute not in sheet.minutes:
                    blobs.add(minute, sheet.known_before(minute, sheet.kinds > 0), due=False)
                    sheet.minutes.add(minute)
            if said is not None:
                made = said["ts"] // MINUTE_MS * MINUTE
                blobs.add(minute, said[(made <= minute) & (made >= minute - LATE)], due=True)
        for sheet in sheets:
            self._say_fresh(day.current, sheet, blobs)
        day.minutes.clear()
        day.said.clear()

    def _say_fresh(self, current: int, sheet: _Sheet, blobs: _Blobs) -> None:
        """Add what was said lately of what is held since a moment ago: all of it in minutes that are known whole."""
        if not sheet.fresh.any():
            return
        marks = [sheet.marks_of(ticks, sheet.fresh) for ticks in self._recent.of(sheet.desk)]
        said = newest(np.concatenate(marks)) if marks else np.empty(0, RAW)
        for minute in (current - MINUTE, current):
            if minute * 1000 >= self._recent.whole_from_ms:
                blobs.add(minute, sheet.known_before(minute, sheet.fresh), due=False)
                blobs.add(minute, said[said["ts"] // MINUTE_MS * MINUTE <= minute], due=True)
        blobs.add(current, sheet.known_before(current + MINUTE, sheet.fresh), due=True)
        sheet.fresh[:] = False

    def _sheets(self, date_: date, day: _Day) -> list[_Sheet]:
        """Return the sheets of everything held, also of desks nothing came for since this process began."""
        desks = [self._engine.own_desk(owner, date_) for owner in self._owners]
        return [self._sheet(day, desk) for desk in desks if desk is not None]

    def _sheet(self, day: _Day, desk: Desk) -> _Sheet:
        owner, version = desk.listing.underlying_id, (self._version, desk.version)
        sheet = day.sheets.get(owner)
        if sheet is None or sheet.desk is not desk or sheet.version != version:
            kinds = np.array([self._held.get(key, 0) for key in desk.layout.instrument_ids.tolist()], np.uint8)
            sheet = day.sheets[owner] = _Sheet.of(desk, version, kinds, sheet)
        return sheet


def _newest_minute(desk: Desk) -> int:
    """Return the newest minute that a desk knows of (its open, Unix seconds), 0 where there is none."""
    index = max(desk.book.minutes(), default=-1)
    return int(desk.opens_ms[index]) // 1000 if index >= 0 else 0


def _touched(minutes: set[int], current: int) -> list[int]:
    """Return the minutes that ticks of some minutes concern: their own, and those since that may be there already."""
    return sorted({later for minute in minutes for later in range(minute, min(current, minute + LATE) + 1, MINUTE)})
