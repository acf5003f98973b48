"""Plays snapshots onto the tick stream at a chosen speed."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.replay.recording import ContractKey, RecordedTick
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import TickStreams

BATCH = 1_000

Snapshot = tuple[int, list[RecordedTick]]
Tokens = Callable[[list[ContractKey], date], dict[ContractKey, int]]


@dataclass(slots=True)
class Played:
    """What was sent so far; stamps are milliseconds UTC."""

    ticks: int = 0
    snapshots: int = 0
    first_ts: int = 0
    ts: int = 0
    underlyings: set[str] = field(default_factory=set)


def play(
    snapshots: Iterable[Snapshot],
    streams: TickStreams,
    tokens: Tokens,
    *,
    speed: float | None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Played]:
    """Send snapshots, `speed` times as fast as they were recorded (None: as fast as ingest takes them).

    Yields after each snapshot. Time is kept against the start, so that slow sending does not add up.
    """
    played = Played()
    known: dict[ContractKey, int] = {}
    began = time.monotonic()
    for ts, ticks in snapshots:
        played.first_ts = played.first_ts or ts
        if speed is not None:
            sleep(max(0.0, began + (ts - played.first_ts) / 1000 / speed - time.monotonic()))
        unknown = [tick.key for tick in ticks if tick.key not in known]
        if unknown:
            known |= tokens(unknown, ist_date(from_ms(ts)))
            played.underlyings |= {key.underlying for key in unknown}
        for at in range(0, len(ticks), BATCH):
            streams.send((tick.key.underlying, _row(tick, known[tick.key])) for tick in ticks[at : at + BATCH])
        played.ticks += len(ticks)
        played.snapshots += 1
        played.ts = ts
        yield played


def _row(tick: RecordedTick, token: int) -> TickRow:
    return (
        token,
        tick.ts,
        tick.last,
        tick.volume,
        tick.oi,
        tick.bid,
        tick.bid_qty,
        tick.ask,
        tick.ask_qty,
        None,
    )
