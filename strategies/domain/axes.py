"""Where curves and grids are looked at: prices, shifts, instants. What is shown is what is computed with."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from strategies.domain.money import Ints, decimal_of_paise

LEAST_PERCENT, MOST_PERCENT = 5.0, 50.0
MARGIN = 1.2
SECOND_MS = 1_000


class Capped(NamedTuple):
    """What is done instead of what was asked, and whether these differ."""

    value: float
    capped: bool


def capped(value: float, most: float) -> Capped:
    """Return a value of at most `most`."""
    return Capped(min(value, most), value > most)


def price_axis(centre: float, *, percent: float, points: int) -> tuple[Decimal, ...]:
    """Return prices from `percent` below the centre to as much above, whole paise from 0.01 on; rupees.

    One point is the centre. Equally far apart but for the rounding.
    """
    share = percent / 100 if points > 1 else 0.0
    places = np.linspace(centre * (1 - share), centre * (1 + share), points)
    paise = np.maximum(np.rint(places * 100), 1).astype(np.int64)
    return tuple(decimal_of_paise(int(price)) for price in paise)


def covering_percent(centre: float, places: Sequence[float]) -> float:
    """Return how many per cent each side of the centre show all places (rupees) with a margin; from 5 to 50."""
    away = max((abs(place / centre - 1) for place in places), default=0.0) * 100
    return min(max(LEAST_PERCENT, MARGIN * away), MOST_PERCENT)


def shift_axis(width: float, points: int) -> npt.NDArray[np.float64]:
    """Return shifts from −width to width, in what width is in; one point is 0."""
    return np.linspace(-width, width, points) if points > 1 else np.zeros(1)


def time_axis(first_ms: int, last_ms: int, points: int) -> Ints:
    """Return instants from the first to the last, milliseconds UTC, whole seconds but for the first; one is the first.

    Raises ValueError where the last is before the first.
    """
    if last_ms < first_ms:
        raise ValueError("the last instant is before the first")
    places = np.linspace(first_ms, last_ms, points) // SECOND_MS * SECOND_MS
    return np.maximum(places.astype(np.int64), first_ms)
