"""Candles of past minutes, made of the same ticks that were sent, or would have been."""

from collections.abc import Iterable, Iterator

import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS
from tradingviz.quickstart.simulator.market import DAY_MS, FRAME_MS, Day, Market
from tradingviz.quickstart.simulator.noise import Floats, Ints

Candle = tuple[int, float, float, float, float, float, float | None]

MINUTES_AT_ONCE = 5
_FRAMES = MINUTE_MS // FRAME_MS


def candles(market: Market, tokens: Iterable[int], *, from_ms: int, to_ms: int) -> dict[int, list[Candle]]:
    """Return the candles that open in [from, to) (ms UTC, whole minutes): (ts, open, high, low, close, volume, oi).

    A minute without a tick has none. Unknown tokens are left out.
    """
    wanted = np.unique(np.fromiter(tokens, np.int64))
    found: dict[int, list[Candle]] = {}
    for first, end in _stretches(from_ms, to_ms):
        day = market.day_at(first)
        for token, candle in _of_stretch(market, day, day.listing.rows_of(wanted), np.arange(first, end, MINUTE_MS)):
            found.setdefault(token, []).append(candle)
    return found


def _stretches(from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """Yield a few minutes at a time, none beyond the end of a day (IST)."""
    midnight = 5 * 3_600_000 + 30 * 60_000
    while from_ms < to_ms:
        tomorrow = ((from_ms + midnight) // DAY_MS + 1) * DAY_MS - midnight
        end = min(from_ms + MINUTES_AT_ONCE * MINUTE_MS, tomorrow, to_ms)
        yield from_ms, end
        from_ms = end


def _of_stretch(market: Market, day: Day, rows: Ints, minutes: Ints) -> Iterator[tuple[int, Candle]]:
    """Yield token and candle, those of a token ascending."""
    at, minute, ts = _ticks(market, day, rows, minutes)
    if not len(at):
        return
    quotes = market.quotes(day, rows[at], ts)
    begins = np.flatnonzero(np.diff(at * len(minutes) + minute, prepend=-1))
    ends = np.append(begins[1:], len(at)) - 1
    opens = minutes[minute[begins]]
    high, low = np.maximum.reduceat(quotes.last, begins), np.minimum.reduceat(quotes.last, begins)
    volume = np.nan_to_num(_traded(market, day, rows[at[begins]], opens))
    prices = (quotes.last[begins], high, low, quotes.last[ends], volume)
    columns = [column.tolist() for column in (opens, *prices, quotes.oi[ends])]
    for token, *numbers, oi in zip(day.listing.token[rows[at[begins]]].tolist(), *columns, strict=True):
        yield token, (*numbers, None if np.isnan(oi) else oi)


def _ticks(market: Market, day: Day, rows: Ints, minutes: Ints) -> tuple[Ints, Ints, Ints]:
    """Return place in `rows`, place in `minutes` and stamp (ms UTC) of every tick, in this order."""
    frames = (minutes[:, None] + FRAME_MS * np.arange(_FRAMES)) // FRAME_MS
    periods = np.array([market.periods(day, rows, int(minute)) for minute in minutes])
    due = (frames[None] + day.phase[rows][:, None, None]) % periods.T[:, :, None] == 0
    at, minute, frame = np.nonzero(due)
    ts = frames[minute, frame] * FRAME_MS
    alive = day.alive(rows[at], ts)
    return at[alive], minute[alive], ts[alive]


def _traded(market: Market, day: Day, rows: Ints, opens: Ints) -> Floats:
    """Return what was traded in the minutes that open at these instants."""
    total = market.quotes(day, np.tile(rows, 2), np.concatenate((opens, opens + MINUTE_MS))).volume
    return total[len(rows) :] - total[: len(rows)]
