"""What changed in a chain since an earlier state of it: open interest, last prices, and what both stand for.

Arrays are (2, k), calls and puts of ascending strikes (k,); open interest in units, prices in rupees, changes in per
cent of the reference. NaN is not known.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.open_interest import BuildUp, build_up, oi_change, percent_change
from fo_analytics.domain.ticks import Floats

Words = npt.NDArray[np.object_]
_WORDS = np.array([kind.name.lower() for kind in BuildUp], dtype=object)


@dataclass(frozen=True, slots=True)
class Reference:
    """A chain as it was: its strikes (k,), last prices and open interest (2, k).

    `ts_ms` is the close of the newest minute it rests on, ms UTC; None where no minute of it is stored."""

    ts_ms: int | None
    strike: Floats
    last: Floats
    oi: Floats


class Thresholds(NamedTuple):
    """Per cent beyond which a price or an open interest counts as changed."""

    price: float = 0.0
    oi: float = 0.0


ANY_CHANGE = Thresholds()


class Changes(NamedTuple):
    """Of each contract (2, k). `build_up` is a word (`none`: within a threshold), None where a change is unknown."""

    oi_reference: Floats
    oi: Floats
    oi_percent: Floats
    price_reference: Floats
    price: Floats
    price_percent: Floats
    build_up: Words


def changes(
    strike: Floats, last: Floats, oi: Floats, reference: Reference, thresholds: Thresholds = ANY_CHANGE
) -> Changes:
    """What strikes (k,), ascending or not, with last prices and open interest (2, k) changed since the reference.

    A contract that the reference does not have changed by NaN, and so in per cent did one whose reference is 0; its
    build-up counts as beyond any threshold. Raises ValueError for negative thresholds.
    """
    price_before, oi_before = _at(strike, reference, reference.last), _at(strike, reference, reference.oi)
    grown, moved = oi_change(oi, oi_before), last - price_before
    grown_percent, moved_percent = percent_change(oi, oi_before), percent_change(last, price_before)
    from_nothing = (oi_before == 0) & ~np.isnan(grown)
    counted = np.where(from_nothing, np.where(grown > 0, np.inf, 0.0), grown_percent)
    kind = build_up(moved_percent, counted, price_threshold=thresholds.price, oi_threshold=thresholds.oi)
    words = _WORDS[kind]
    words[np.isnan(moved_percent) | np.isnan(counted)] = None
    return Changes(oi_before, grown, grown_percent, price_before, moved, moved_percent, words)


def _at(strike: Floats, reference: Reference, values: Floats) -> Floats:
    """Return a reference's values (2, k) at these strikes."""
    place = np.searchsorted(reference.strike, strike)
    there = np.append(reference.strike, np.nan)[place] == strike
    padded = np.concatenate([values, np.full((2, 1), np.nan)], axis=1)
    return np.asarray(padded[:, np.where(there, place, reference.strike.size)])
