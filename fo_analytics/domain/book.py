"""A session of one underlying in memory: its minutes, and the state at the close of each.

Instruments are slots 0..n-1. The state at a minute's close carries the newest price, quote and open interest and the
largest cumulative volume seen in the session up to there. Late ticks change their minute and the states from it on.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Flag, Minute
from fo_analytics.domain.ticks import Floats, Ints, Mask, Ticks


class Book:
    """Minutes and states of `count` instruments; minutes are indices of the session's buckets."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._minutes: dict[int, Minute] = {}
        self._states: dict[int, Minute] = {}
        self._dirty: set[int] = set()

    def grow(self, count: int) -> None:
        """Make place for instruments listed since."""
        extra = bars.empty(count - self.count)
        for columns in (self._minutes, self._states):
            for index in columns:
                columns[index] = np.concatenate([columns[index], extra])
        self.count = count

    def restore(self, index: int, slots: Ints, rows: Minute) -> None:
        """Put back a stored minute's bars (k,) of `slots`; nothing becomes dirty."""
        self._join(index, slots, rows)

    def add(self, minute: Ints, ticks: Ticks) -> None:
        """Add ticks, `minute` (n,) being each one's bucket."""
        if not len(ticks):
            return
        for index in np.unique(minute).tolist():
            slots, partial = bars.fold(ticks.take(minute == index))
            if self._join(index, slots, partial):
                self._dirty.add(index)

    def _join(self, index: int, slots: Ints, partial: Minute) -> bool:
        """Merge partial bars; return whether anything changed."""
        held = self._minutes.setdefault(index, bars.empty(self.count))
        before = held[slots]
        after = bars.merge(before, partial)
        held[slots] = after
        changed = before.tobytes() != after.tobytes()
        if changed:
            for later in [at for at in self._states if at >= index]:
                del self._states[later]
        return changed

    @property
    def is_dirty(self) -> bool:
        """Return whether rows may have changed that were not taken yet."""
        return bool(self._dirty)

    def take_dirty(self, before: int) -> list[int]:
        """Return, and forget, the minutes below `before` whose rows may have changed.

        They are a changed one and all that follow it; those from `before` on wait for a later call.
        """
        first = min(self._dirty, default=before)
        if first >= before:
            return []
        affected = sorted(index for index in self._minutes if index >= first)
        taken = [index for index in affected if index < before]
        self._dirty = set(affected[len(taken) :])
        return taken

    def minute(self, index: int) -> Minute:
        """Return the bars (count,) of a minute."""
        return self._minutes.get(index, bars.empty(self.count))

    def minutes(self) -> Iterable[int]:
        """Return the minutes with ticks, ascending."""
        return sorted(self._minutes)

    def state(self, index: int) -> Minute:
        """Return the state (count,) at the close of minute `index`."""
        known = max((at for at in self._states if at <= index), default=-1)
        state = self._states[known] if known >= 0 else bars.empty(self.count)
        for at in self.minutes():
            if known < at <= index:
                state = carry(state, self._minutes[at])
                self._states[at] = state
        return state

    def newest_stamp(self, index: int) -> int:
        """Return the newest stamp (ms UTC) known at the close of minute `index`, 0 where nothing is."""
        state = self.state(index)
        return max(int(state[name].max(initial=0)) for name in ("last_ts", "oi_ts", "quote_ts"))

    def volume(self, index: int) -> tuple[Floats, Mask]:
        """Return, for minute `index`, the growth (count,) of the cumulative volume and where it is a catch-up.

        It is one where the feed said nothing in the minute before: the growth is then older than the minute.
        """
        before = self.state(index - 1)["cumulative"]
        now = self.state(index)["cumulative"]
        growth = now - np.where(np.isnan(before), 0.0, before)
        silent = index > 0 and (index - 1) not in self._minutes
        return growth, np.asarray((growth > 0) & silent)

    def flags(self, catch_up: Mask) -> npt.NDArray[np.int64]:
        """Return the flags (count,) of bars."""
        return np.where(catch_up, int(Flag.CATCH_UP), 0)


def carry(state: Minute, minute: Minute) -> Minute:
    """Return the state after `minute`: the newer stamp wins; volume never falls; an open interest of 0 does not replace
    a positive one. (Stored minutes hold carried values under their old stamps, hence the comparison.)"""
    after = state.copy()
    for stamp, names in (
        ("last_ts", ("last_ts", "last_volume", "close")),
        ("quote_ts", bars.QUOTE),
    ):
        said = (minute[stamp] > 0) & (minute[stamp] >= state[stamp])
        for name in names:
            after[name][said] = minute[name][said]
    positive, held = minute["oi"] > 0, state["oi"] > 0
    said = (minute["oi_ts"] > 0) & ((positive & ~held) | ((positive == held) & (minute["oi_ts"] >= state["oi_ts"])))
    for name in ("oi_ts", "oi"):
        after[name][said] = minute[name][said]
    after["cumulative"] = np.fmax(state["cumulative"], minute["cumulative"])
    return after
