"""Recorded days as ticks, and the orders in which they may come."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.replay.recording import ContractKey, RecordedTick, read
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import shard_of

DAYS = ("2026-01-30", "2026-02-01", "2026-02-02", "2026-02-03")
MINUTE_MS = 60_000
LATE_MS = 5 * MINUTE_MS
LARGE, SMALL = 1_000, 40  # ticks a batch: as a replay sends them, and so that there are many to break off
# Every fifth strike of each chain, and those that strategies hold: as many days, minutes and kinds of rows as of all.
ONE_IN, FINEST_STEP = 5, 25
HELD = frozenset({24_800.0, 25_000.0, 25_300.0, 25_600.0, 25_800.0})


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick on the wire with its stamp (ms UTC) and whose it is."""

    underlying: str
    ts: int
    row: TickRow


Batch = tuple[int, list[TickRow]]


def load(folder: Path) -> list[Tick]:
    """Return the ticks of the recorded days in their order; lists their contracts in Django's database."""
    recorded = [
        tick
        for day in DAYS
        for _, ticks in read(folder / f"nse_2026_02/index_option_chain_{day}.csv.gz")
        for tick in ticks
        if is_kept(tick.key.strike)
    ]
    first = ist_date(from_ms(recorded[0].ts))
    tokens = ensure_instruments(keys=[tick.key for tick in recorded], seen_on=first)
    return [Tick(tick.key.underlying, tick.ts, _row(tick, tokens)) for tick in recorded]


def is_kept(strike: float | None) -> bool:
    """Return whether contracts of a strike (rupees; None: the index itself) are among those that are replayed."""
    return strike is None or strike in HELD or strike // FINEST_STEP % ONE_IN == 0


def thin_out(recording: Path, folder: Path) -> Path:
    """Write a recording with the strikes that are kept; return where."""
    target = folder / recording.name.removesuffix(".gz")
    with gzip.open(recording, "rt", newline="") as source, target.open("w", newline="") as kept:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(kept, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in rows if is_kept(float(row["Strike"])))
    return target


def _row(tick: RecordedTick, tokens: Mapping[ContractKey, int]) -> TickRow:
    quotes = (tick.bid, tick.bid_qty, tick.ask, tick.ask_qty)
    return (tokens[tick.key], tick.ts, tick.last, tick.volume, tick.oi, *quotes, None)


def shuffled(ticks: Iterable[Tick], random: Random) -> list[Tick]:
    """Return the ticks in any order within each minute."""
    return sorted(ticks, key=lambda tick: (tick.ts // MINUTE_MS, random.random()))


def late(ticks: Iterable[Tick], random: Random, *, share: float = 0.1) -> list[Tick]:
    """Return the ticks with a random share of them five minutes behind their place."""
    return sorted(ticks, key=lambda tick: tick.ts + LATE_MS * (random.random() < share))


def batches(ticks: Iterable[Tick], *, size: int, shards: int = 1) -> Iterator[Batch]:
    """Give batches of `size` ticks, each with its shard, in order."""
    waiting: dict[int, list[TickRow]] = {shard: [] for shard in range(shards)}
    for tick in ticks:
        shard = shard_of(tick.underlying, shards=shards)
        waiting[shard].append(tick.row)
        if len(waiting[shard]) == size:
            yield shard, waiting[shard]
            waiting[shard] = []
    yield from ((shard, rows) for shard, rows in waiting.items() if rows)
