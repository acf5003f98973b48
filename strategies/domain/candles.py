"""Candles of a strategy's own value: a function of the set of second marks and of the legs' past, nothing else.

A value exists in a second in which something of the strategy was priced or traded, once every open leg has a price. A
candle is the first, highest, lowest and last of the values in its bucket: never a sum of the legs' highs.
"""

from dataclasses import dataclass

import numpy as np

from strategies.domain.money import Ints, decimal_of_paise, rounded_points
from strategies.domain.positions import Mask, Values

UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles (n strategies, b buckets) in whole paise, UNKNOWN where there is none; `time` (b,) Unix seconds of the
    bucket's open. `from_bars`: only the close is known. `seconds`: how many values went in. `partial`: one of them used
    an old price."""

    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    seconds: Ints
    partial: Mask
    from_bars: bool = False

    def rupees(self, strategy: int, bucket: int) -> dict[str, str | None]:
        """Return one candle as decimal text, None for what is not known."""
        columns = {name: int(getattr(self, name)[strategy, bucket]) for name in ("open", "high", "low", "close")}
        return {name: None if paise == UNKNOWN else str(decimal_of_paise(paise)) for name, paise in columns.items()}


def candles(values: Values, *, bucket: Ints) -> Candles:
    """Return the candles of values. `bucket` (seconds,): the open of the bucket each second lies in, ascending.

    Raises ValueError where there are none or they do not ascend.
    """
    times, firsts = _buckets(values.second, bucket)
    paise, valid = rounded_points(values.value), values.known & values.event
    count = len(bucket)
    first = np.minimum.reduceat(np.where(valid, np.arange(count), count), firsts, axis=1)
    last = np.maximum.reduceat(np.where(valid, np.arange(count), -1), firsts, axis=1)
    empty = last < 0
    highest = np.maximum.reduceat(np.where(valid, paise, UNKNOWN), firsts, axis=1)
    lowest = np.minimum.reduceat(np.where(valid, paise, np.iinfo(np.int64).max), firsts, axis=1)
    opened = np.take_along_axis(paise, np.where(empty, 0, first), axis=1)
    closed = np.take_along_axis(paise, np.where(empty, 0, last), axis=1)
    return Candles(
        time=times,
        open=np.where(empty, UNKNOWN, opened),
        high=highest,
        low=np.where(empty, UNKNOWN, lowest),
        close=np.where(empty, UNKNOWN, closed),
        seconds=np.add.reduceat(valid.astype(np.int64), firsts, axis=1),
        partial=np.logical_or.reduceat(values.partial & valid, firsts, axis=1),
    )


def candles_from_bars(values: Values, *, bucket: Ints) -> Candles:
    """Return what can be said where only bars are kept: `values` are of marks made of the closes of the legs' bars.

    The close is exact; open, high and low are not known.
    """
    whole = candles(values, bucket=bucket)
    nothing = np.full(whole.close.shape, UNKNOWN)
    return Candles(whole.time, nothing, nothing, nothing, whole.close, whole.seconds, whole.partial, from_bars=True)


def _buckets(second: Ints, bucket: Ints) -> tuple[Ints, Ints]:
    """The opens of the buckets and the place of the first second of each."""
    if not len(second) or bucket.shape != second.shape or (np.diff(bucket) < 0).any() or (np.diff(second) <= 0).any():
        raise ValueError("seconds and their buckets must ascend, and there must be some")
    firsts = np.flatnonzero(np.append(True, np.diff(bucket) != 0))
    return bucket[firsts], firsts
