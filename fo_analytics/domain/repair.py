"""Candles to ticks: what fills a hole goes the way of every tick, so there is one path for live flow and repair."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from fo_analytics.domain.calendar import MINUTE_MS
from streaming.ticker.candles import Candle
from streaming.ticker.codec import TickRow

# A millisecond inside of the minute: feeds stamp whole seconds, and a tick of theirs must not tie with one of ours.
OPEN_MS, HIGH_MS, LOW_MS, CLOSE_MS = 1, 20_000, 40_000, MINUTE_MS - 1


@dataclass(frozen=True, slots=True)
class Repairable:
    """A contract to repair. `expires_at_ms` is its expiry instant (ms UTC), None for a spot, which has neither volume
    nor open interest.

    `known` are the day's volumes stored around the range: (open of the minute in ms, units at its close), ascending.
    """

    token: int
    expires_at_ms: int | None = None
    known: Sequence[tuple[int, float]] = ()


def synthetic_ticks(contract: Repairable, candles: Iterable[Candle], *, from_ms: int) -> Iterator[TickRow]:
    """Yield four ticks a candle: open, high, low, and the close with the day's volume and the open interest.

    `candles` ascend and begin at `from_ms` or later. The day's volume goes on from the last one known before
    `from_ms`, and never passes one known later, of which it would make a fall. Candles that end behind the contract's
    expiry are left out.
    """
    stamps = [ts for ts, _ in contract.known]
    before = bisect_left(stamps, from_ms)
    total = contract.known[before - 1][1] if before else 0.0
    for candle in candles:
        if contract.expires_at_ms is None:
            yield from _ticks(contract.token, candle, volume=None, oi=None)
        elif candle.ts + MINUTE_MS <= contract.expires_at_ms:
            after = bisect_right(stamps, candle.ts)
            here = contract.known[after - 1][1] if after and stamps[after - 1] == candle.ts else 0.0
            ceiling = contract.known[after][1] if after < len(stamps) else inf
            total = min(max(total + candle.volume, here), ceiling)
            yield from _ticks(contract.token, candle, volume=total, oi=candle.oi)


def _ticks(token: int, candle: Candle, *, volume: float | None, oi: float | None) -> Iterator[TickRow]:
    for offset, price in ((OPEN_MS, candle.open), (HIGH_MS, candle.high), (LOW_MS, candle.low)):
        yield (token, candle.ts + offset, price, None, None, None, None, None, None, None)
    yield (token, candle.ts + CLOSE_MS, candle.close, volume, oi, None, None, None, None, None)
