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


Known = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Repairable:
    """A contract to repair. `expires_at_ms` is its expiry instant (ms UTC), None for a spot, which has neither volume
    nor open interest.

    `known` are the day's volumes stored around the range: (open of the minute in ms, units at its close), ascending.
    """

    token: int
    expires_at_ms: int | None = None
    known: Known = ()


def synthetic_ticks(
    contract: Repairable, candles: Iterable[Candle], *, from_ms: int, gap_ms: int | None = None
) -> Iterator[TickRow]:
    """Yield four ticks a candle: open, high, low, and the close with the day's volume and the open interest.

    `candles` ascend and begin at `from_ms` or later; those that end behind the contract's expiry are left out. The
    day's volume goes on from the last one known before `from_ms`, and never passes one known later, of which it would
    make a fall. `gap_ms` is the last minute that has no candle of any contract: what was traded in it is not known, so
    behind it the day's volume is counted back from the next one known.
    """
    until = contract.expires_at_ms
    if until is None:
        for candle in candles:
            yield from _ticks(contract.token, candle, volume=None, oi=None)
        return
    kept = [candle for candle in candles if candle.ts + MINUTE_MS <= until]
    totals = _counted_on(contract.known, kept, from_ms)
    if gap_ms is not None:
        totals = list(map(max, totals, _counted_back(contract.known, kept, gap_ms)))
    for candle, total in zip(kept, totals, strict=True):
        yield from _ticks(contract.token, candle, volume=total, oi=candle.oi)


def _counted_on(known: Known, candles: list[Candle], from_ms: int) -> list[float]:
    """Return the day's volume at the end of each candle, counted from the last one known before."""
    stamps = [ts for ts, _ in known]
    before = bisect_left(stamps, from_ms)
    total = known[before - 1][1] if before else 0.0
    totals = []
    for candle in candles:
        after = bisect_right(stamps, candle.ts)
        here = known[after - 1][1] if after and stamps[after - 1] == candle.ts else 0.0
        ceiling = known[after][1] if after < len(stamps) else inf
        total = min(max(total + candle.volume, here), ceiling)
        totals.append(total)
    return totals


def _counted_back(known: Known, candles: list[Candle], gap_ms: int) -> list[float]:
    """Return the same counted back from the first one known behind the gap; 0 where that says nothing.

    It says something where that minute has a candle: else it is not known how much of its volume was traded in it.
    """
    totals = [0.0] * len(candles)
    stamp, total = next((item for item in known if item[0] > gap_ms), (0, 0.0))
    if stamp in (candle.ts for candle in candles):
        for at, candle in reversed(list(enumerate(candles))):
            if gap_ms < candle.ts <= stamp:
                totals[at] = max(total, 0.0)
                total -= candle.volume
    return totals


def _ticks(token: int, candle: Candle, *, volume: float | None, oi: float | None) -> Iterator[TickRow]:
    for offset, price in ((OPEN_MS, candle.open), (HIGH_MS, candle.high), (LOW_MS, candle.low)):
        yield (token, candle.ts + offset, price, None, None, None, None, None, None, None)
    yield (token, candle.ts + CLOSE_MS, candle.close, volume, oi, None, None, None, None, None)
