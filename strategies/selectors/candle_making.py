"""The candles of strategies: of second marks where these are kept, else of stored minutes.

A candle is a function of the marks of its minute, the newest price before it, and the legs' past: of nothing else.
"""

import numpy as np

from fo_analytics.selectors.marks import MinuteMarks
from strategies.domain.candles import Candles, candles, candles_from_bars
from strategies.domain.m2m import FRESH_MS
from strategies.domain.money import Ints
from strategies.domain.positions import Marks, Mask, Values, price_table, values
from strategies.selectors.prices import minute_prices, newest_prices
from strategies.selectors.states import States

MINUTE = 60


def candles_of_marks(states: States, minutes: list[MinuteMarks]) -> list[Candles]:
    """Return the candles (n, 1) of strategies in minutes, of those in which anything happened. One query at most."""
    if not len(states.strategy_id):
        return []
    known = [_marks(states, minute) for minute in minutes]
    carried = _carried(states, [minute.minute for minute in minutes], known)
    made: list[Candles] = []
    for minute, marks, before in zip(minutes, known, carried, strict=True):
        found = _values(states, marks.joined(before), first=minute.minute, end=minute.minute + MINUTE)
        if found is not None:
            made.append(candles(found, bucket=np.full(len(found.second), minute.minute)))
    return made


def candles_of_bars(states: States, *, first: int, end: int) -> list[Candles]:
    """Return the candles (n, b) of strategies in the stored minutes of [first, end), Unix seconds. Two queries."""
    if not len(states.strategy_id):
        return []
    stored = minute_prices(marked=states.marked, first=first, end=end)
    marks = Marks(np.searchsorted(states.marked, stored.slot), stored.ts, stored.price)
    (before,) = _carried(states, [first], [marks])
    found = _values(states, marks.joined(before), first=first, end=end)
    return [] if found is None else [candles_from_bars(found, bucket=found.second - found.second % MINUTE)]


def is_told(states: States, minute: MinuteMarks) -> bool:
    """Return whether the marks of a minute tell of everything that is open in it: what is held has a mark in each."""
    needed = states.needed(first=minute.minute, end=minute.minute + MINUTE)
    return bool(np.isin(states.marked[needed], minute.records["slot"]).all()) and len(minute.records) > 0


def _values(states: States, marks: Marks, *, first: int, end: int) -> Values | None:
    """Values in the seconds of [first, end) in which anything happened; None where nothing did."""
    seconds = np.concatenate([marks.ts // 1000, states.positions.since])
    seconds = np.unique(seconds[(seconds >= first) & (seconds < end)])
    if not len(seconds):
        return None
    table = price_table(marks, slots=len(states.marked), second=seconds)
    return values(states.positions, table, fresh_ms=FRESH_MS)


def _marks(states: States, minute: MinuteMarks) -> Marks:
    """A minute's marks of the slots that are needed, by their places."""
    slot, ts, price = (minute.records[name].astype(np.int64) for name in ("slot", "ts", "price"))
    ours = np.isin(slot, states.marked)
    return Marks(np.searchsorted(states.marked, slot[ours]), ts[ours], price[ours])


def _carried(states: States, minutes: list[int], known: list[Marks]) -> list[Marks]:
    """What stored minutes say of the slots that are open in a minute and of whose price before it no mark tells."""
    missing = [np.flatnonzero(_untold(states, *pair)) for pair in zip(minutes, known, strict=True)]
    of = np.repeat(np.arange(len(minutes)), [len(slots) for slots in missing])
    places = np.concatenate(missing)
    found, marks = newest_prices(slot=states.marked[places], before=np.array(minutes, np.int64)[of])
    return [_part(marks, places[found], of[found] == index) for index in range(len(minutes))]


def _untold(states: States, minute: int, marks: Marks) -> Mask:
    needed = states.needed(first=minute, end=minute + MINUTE)
    needed[marks.slot[marks.ts < minute * 1000]] = False
    return needed


def _part(marks: Marks, places: Ints, mine: Mask) -> Marks:
    return Marks(places[mine], marks.ts[mine], marks.price[mine])
