"""What the legs of many strategies were over a time, as the columns that values are computed from."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from strategies.domain.money import Ints
from strategies.domain.positions import UNPRICED, Mask, Positions
from strategies.queries import query
from tradingviz.core.sql import array_text, read_integers

COLUMNS = ("strategy_id", "slot", "units", "cash", "since", "until")


@dataclass(frozen=True, slots=True)
class States:
    """`strategy_id` (n,) ascending; `marked` (s,) ascending: of which slots of marks the prices are needed.

    `positions` counts strategies and slots from 0, by their places in these two.
    """

    strategy_id: Ints
    marked: Ints
    positions: Positions

    def needed(self, *, first: int, end: int) -> Mask:
        """Return which slots (s,) something open is valued by in [first, end), Unix seconds."""
        held = self.positions
        rows = (held.units != 0) & (held.slot != UNPRICED) & (held.since < end) & (held.until > first)
        needed = np.zeros(len(self.marked), bool)
        needed[held.slot[rows]] = True
        return needed


def states_between(*, first: int, end: int, strategy_ids: Collection[int] | None = None) -> States:
    """Return the states in [first, end), Unix seconds, of active strategies, or of those named. One query.

    States outside of that time are left out: what is read is good for it alone.
    """
    parameters = {
        "from": first,
        "to": end,
        "named": strategy_ids is not None,
        "strategies": array_text(strategy_ids or ()),
    }
    rows = read_integers(query("states_between"), parameters, COLUMNS)
    order = np.argsort(rows["strategy_id"], kind="stable")
    strategy, slot, *amounts = (rows[name][order] for name in COLUMNS)
    ids, place = np.unique(strategy, return_inverse=True)
    marked = np.unique(slot[slot != UNPRICED])
    slots = np.where(slot == UNPRICED, UNPRICED, np.searchsorted(marked, slot))
    return States(ids, marked, Positions(place.astype(np.int64), slots, *amounts))
