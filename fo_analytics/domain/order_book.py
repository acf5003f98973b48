"""Order books of many contracts at once: which of the levels that arrive can be true, and the newest book of each.

A book is (2, levels, 3): bids and asks, best first; price (rupees), quantity (units) and number of orders of a level,
NaN orders where they were not said. A level of zeros is one that is not there.
"""

import numpy as np

from fo_analytics.domain.depth import Levels
from fo_analytics.domain.ticks import MAX_PRICE, MAX_UNITS, Floats, Ints, Mask, Ticks

LEVELS = 5
_SIGN = np.array([[-1.0], [1.0]])  # bids: the dearest first; asks: the cheapest
_LIMITS = np.array([MAX_PRICE, MAX_UNITS, MAX_UNITS])


def impossible(levels: Floats) -> Mask:
    """Return which books (m,) hold a number that no book holds: NaN, infinite, negative or absurd.

    Bids above asks are no fault: books are crossed now and then.
    """
    orders_unsaid = np.isnan(levels) & np.array([False, False, True])
    return np.asarray(~(((levels >= 0) & (levels <= _LIMITS)) | orders_unsaid).all(axis=(1, 2, 3)))


def best_first(levels: Floats) -> Floats:
    """Return books (m, 2, levels, 3) with the levels that are there first, best of all; zeros for the rest."""
    there = (levels[..., 0] > 0) & (levels[..., 1] > 0)
    key = np.where(there, _SIGN * levels[..., 0], np.inf)
    kept = np.where(there[..., None], levels, 0.0)
    if (key[..., 1:] >= key[..., :-1]).all():
        return kept
    return np.take_along_axis(kept, np.argsort(key, axis=-1, kind="stable")[..., None], axis=-2)


def with_best_quotes(ticks: Ticks, row: Ints, levels: Floats) -> Ticks:
    """Return the ticks, those of `row` (m,) with the best of their book where they say no bid or ask themselves."""
    columns = {name: getattr(ticks, name) for name in Ticks.__slots__}
    for side, name in enumerate(("bid", "ask")):
        unsaid = np.isnan(columns[name][row])
        if unsaid.any():
            for column, amount in ((name, 0), (f"{name}_qty", 1)):
                columns[column] = columns[column].copy()
                columns[column][row[unsaid]] = levels[unsaid, side, 0, amount]
    return Ticks(**columns)


def sides_of(levels: Floats) -> tuple[Levels, Levels]:
    """Return the bids and the asks of books as `fo_analytics.domain.depth` measures them."""
    bids, asks = (Levels(*np.moveaxis(levels[..., side, :, :], -1, 0)) for side in (0, 1))
    return bids, asks


class NewestBooks:
    """The newest book of each of `count` contracts; slot i is contract i.

    `ts` (count,) is each one's stamp, ms UTC, 0 where there is none; `levels` (count, 2, LEVELS, 3). It is a function
    of the *set* of books that came: the newest stamp counts, then the largest volume of the day, then the numbers
    themselves.
    """

    def __init__(self, count: int) -> None:
        self.ts: Ints = np.zeros(count, np.int64)
        self.levels: Floats = np.zeros((count, 2, LEVELS, 3))
        self._volume: Floats = np.full(count, -1.0)

    def __len__(self) -> int:
        return len(self.ts)

    def grow(self, count: int) -> None:
        """Make place for contracts listed since."""
        fresh = NewestBooks(count - len(self))
        self.ts = np.concatenate([self.ts, fresh.ts])
        self.levels = np.concatenate([self.levels, fresh.levels])
        self._volume = np.concatenate([self._volume, fresh._volume])

    def add(self, slot: Ints, ts: Ints, volume: Floats, levels: Floats) -> Ints:
        """Add books (m,); return the slots whose book is another one now. Unknown volumes are NaN."""
        volume = np.where(np.isnan(volume), -1.0, volume)
        newest = _newest(slot, ts, volume, levels)
        slot, ts, volume, levels = slot[newest], ts[newest], volume[newest], levels[newest]
        held = self.ts[slot], self._volume[slot], self.levels[slot]
        place = np.arange(len(slot))
        rivals = zip((place, *held), (place, ts, volume, levels), strict=True)
        wins = _newest(*(np.concatenate(pair) for pair in rivals)) >= len(slot)
        differs = (held[0] != ts) | (_comparable(held[2]) != _comparable(levels)).any(axis=1)
        taken = slot[wins]
        self.ts[taken], self._volume[taken], self.levels[taken] = ts[wins], volume[wins], levels[wins]
        return np.asarray(slot[wins & differs])


def _newest(slot: Ints, ts: Ints, volume: Floats, levels: Floats) -> Ints:
    """Return the place of the newest book of each slot, in order of the slots."""
    order = np.lexsort((volume, ts, slot))
    last = np.flatnonzero(np.append(np.diff(slot[order]) != 0, True)) if len(order) else order
    winners = order[last]
    group = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    tied = (ts[order] == ts[winners][group]) & (volume[order] == volume[winners][group])
    if int(tied.sum()) == len(winners):
        return np.asarray(winners)
    # Of one stamp and volume: any rule will do that does not depend on the order of arrival.
    rivals = order[tied]
    ranked = rivals[np.lexsort([*_comparable(levels[rivals]).T[::-1], slot[rivals]])]
    return np.asarray(ranked[np.append(np.diff(slot[ranked]) != 0, True)])


def _comparable(levels: Floats) -> Floats:
    """Return books (m, numbers), unsaid orders as -1."""
    return np.where(np.isnan(levels), -1.0, levels).reshape(len(levels), 2 * LEVELS * 3)
