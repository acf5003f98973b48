"""Candles that are being made equal those of all ticks so far, bucket by bucket."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.book import Book
from fo_analytics.domain.live_candles import LiveCandles
from fo_analytics.domain.ticks import Ticks
from fo_analytics.domain.timeframes import MINUTES

OPENS = 1_770_003_900_000
MINUTE = 60_000


def ticks(ts: int, price: float) -> Ticks:
    """Return one tick of slot 0."""
    nothing = np.array([np.nan])
    return Ticks(np.array([0]), np.array([ts]), np.array([price]), nothing, nothing, nothing, nothing, nothing, nothing)


@given(
    moves=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 200)), min_size=1, max_size=40),
    minutes=st.integers(5, 375),
)
def test_every_candle_is_that_of_the_ticks_of_its_bucket(moves: list[tuple[int, int]], minutes: int) -> None:
    opens = OPENS + MINUTE * np.arange(minutes)
    book, candles = Book(1), LiveCandles(opens)
    ts, seen = OPENS, []
    for step, price in moves:
        ts += step * 7_000
        minute = (ts - OPENS) // MINUTE
        if minute >= minutes:
            break
        book.add(np.array([minute]), ticks(ts, float(price)))
        seen.append((ts, float(price)))
        shown = candles.document(book, 0, minute)
        for timeframe, width in MINUTES.items():
            bucket = OPENS + (ts - OPENS) // (width * MINUTE) * width * MINUTE
            prices = [price for at, price in seen if at >= bucket]
            assert shown[timeframe]["time"] == bucket // 1000
            assert (shown[timeframe]["high"], shown[timeframe]["low"]) == (max(prices), min(prices))
            assert shown[timeframe]["open"] == first_of(seen, bucket)


def first_of(seen: list[tuple[int, float]], bucket: int) -> float:
    """Return the price a bucket opens with: of equal stamps the lowest, as bars have it."""
    first = min(at for at, _ in seen if at >= bucket)
    return min(price for at, price in seen if at == first)


def test_a_candle_without_a_trade_is_null() -> None:
    shown = LiveCandles(OPENS + MINUTE * np.arange(5)).document(Book(1), 0, 2)
    assert shown["1m"] == {"time": OPENS // 1000 + 120, "open": None, "high": None, "low": None, "close": None}
    assert math.isclose(shown["1d"]["time"], OPENS / 1000)


def test_what_changes_in_an_earlier_minute_shows_with_the_next_one() -> None:
    book, candles = Book(1), LiveCandles(OPENS + MINUTE * np.arange(5))
    book.add(np.array([1]), ticks(OPENS + MINUTE, 100.0))
    assert candles.document(book, 0, 1)["5m"]["high"] == pytest.approx(100.0)
    book.add(np.array([0]), ticks(OPENS, 120.0))
    assert candles.document(book, 0, 1)["5m"]["high"] == pytest.approx(100.0)
    assert candles.document(book, 0, 2)["5m"]["high"] == pytest.approx(120.0)
