"""The candles that are still being made: of one instrument, in every timeframe, as of a minute of the session."""

import math
from typing import NamedTuple

import numpy as np

from fo_analytics.domain.book import Book
from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.ticks import Ints
from fo_analytics.domain.timeframes import MINUTES
from streaming.domain.sequencing import Document


class Candle(NamedTuple):
    """Prices in rupees, NaN where nothing traded."""

    open: float = math.nan
    high: float = math.nan
    low: float = math.nan
    close: float = math.nan

    def then(self, later: "Candle") -> "Candle":
        """Return the candle of this and a later part of the same bucket."""
        if math.isnan(later.open):
            return self
        if math.isnan(self.open):
            return later
        return Candle(self.open, max(self.high, later.high), min(self.low, later.low), later.close)


class LiveCandles:
    """Candles of one slot of a book.

    The minutes before the newest are joined once: what changes in them later shows with the next minute.
    """

    def __init__(self, opens_ms: Ints) -> None:
        """`opens_ms` (minutes,) are the opens of the session's minutes."""
        self._opens = opens_ms
        self._minute = -1
        self._before: dict[str, Candle] = {}

    def document(self, book: Book, slot: int, minute: int) -> Document:
        """Return, by timeframe, the candle that holds `minute`; `time` is its open in Unix seconds."""
        firsts = {timeframe: self._first(minute, minutes) for timeframe, minutes in MINUTES.items()}
        if minute != self._minute:
            self._before = {name: _joined(book, slot, first, minute) for name, first in firsts.items()}
            self._minute = minute
        newest = _candle(book, slot, minute)
        return {
            timeframe: _shown(int(self._opens[first]), self._before[timeframe].then(newest))
            for timeframe, first in firsts.items()
        }

    def _first(self, minute: int, minutes: int) -> int:
        """Return the first minute of the bucket of `minutes` that holds one."""
        width, anchor = minutes * MINUTE_MS, int(self._opens[0])
        opens = anchor + (int(self._opens[minute]) - anchor) // width * width
        return int(np.searchsorted(self._opens, opens))


def _joined(book: Book, slot: int, first: int, end: int) -> Candle:
    whole = Candle()
    for minute in book.minutes():
        if first <= minute < end:
            whole = whole.then(_candle(book, slot, minute))
    return whole


def _candle(book: Book, slot: int, minute: int) -> Candle:
    row = book.minute(minute)[slot]
    return Candle(*(float(row[name]) for name in Candle._fields))


def _shown(opens_ms: int, candle: Candle) -> Document:
    prices = {name: None if math.isnan(price) else price for name, price in candle._asdict().items()}
    return {"time": opens_ms // 1000, **prices}
