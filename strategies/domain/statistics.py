"""What a series of a strategy's values is summed up by. Money in Decimal, rupees; None: nothing to say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from statistics import mean, stdev

from strategies.domain.money import difference, rounded


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of a series from a high before it: `depth` ≥ 0 rupees, places of the high and of the low, and of
    the first value after it that is as high again (None: not yet)."""

    depth: Decimal
    peak: int
    trough: int
    recovered: int | None


@dataclass(frozen=True, slots=True)
class DailyStatistics:
    """Of the changes from day to day, rupees. `mean` is rounded once; `deviation` that of a sample, None below two
    changes; `winning` the share of days with a gain, 0 to 1; days without change neither win nor lose."""

    days: int
    total: Decimal
    mean: Decimal
    deviation: float | None
    best: tuple[date, Decimal]
    worst: tuple[date, Decimal]
    gains: int
    losses: int
    winning: float


def drawdown(values: Sequence[Decimal]) -> Drawdown | None:
    """Return the deepest fall of values in order of time, of equal ones the first; None without values."""
    if not values:
        return None
    highs = list(accumulate(values, max))
    falls = [difference(high, value) for high, value in zip(highs, values, strict=True)]
    trough = falls.index(max(falls))
    peak = values.index(highs[trough])
    later = (i for i in range(trough, len(values)) if values[i] >= highs[trough])
    return Drawdown(falls[trough], peak, trough, next(later, None))


def daily_statistics(closes: Sequence[tuple[date, Decimal]], *, start: Decimal = Decimal(0)) -> DailyStatistics | None:
    """Return the statistics of days by their closing values; `start` is the value before the first. None without days.

    Raises ValueError where the days do not ascend.
    """
    if any(later[0] <= earlier[0] for earlier, later in pairwise(closes)):
        raise ValueError("the days must ascend")
    if not closes:
        return None
    before = [start, *(value for _, value in closes)]
    changes = [(day, difference(value, previous)) for (day, value), previous in zip(closes, before, strict=False)]
    amounts = [Fraction(change) for _, change in changes]
    gains, losses = sum(amount > 0 for amount in amounts), sum(amount < 0 for amount in amounts)
    return DailyStatistics(
        days=len(changes),
        total=difference(closes[-1][1], start),
        mean=rounded(mean(amounts)),
        deviation=float(stdev(amounts)) if len(amounts) > 1 else None,
        best=max(changes, key=lambda item: item[1]),
        worst=min(changes, key=lambda item: item[1]),
        gains=gains,
        losses=losses,
        winning=gains / len(changes),
    )
