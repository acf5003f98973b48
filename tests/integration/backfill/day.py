"""A morning of ticks made for these tests, its candles counted in plain Python, and what became of it in the database.

An index that moves, three strikes of two sides quoted around the Black-76 price, and one option that trades every
seventh minute and is never quoted. Feeds stamp whole seconds; so does this one, on the first of a minute too.
"""

import math
import random
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any

from fo_analytics.models import Bar, ChainMetric, OfficialClose, RollupDue
from fo_analytics.replay.recording import ContractKey, RecordedTick
from fo_analytics.services.instruments import ensure_instruments
from tests.api.market import Snapshot, fair_price, ist
from tests.integration.backfill.ticker_service import Candles

MONDAY = date(2026, 2, 2)
EXPIRY = date(2026, 2, 3)
SYMBOL = "NIFTY"
MINUTE = 60_000
SPOT = ContractKey(SYMBOL, "SPOT")
QUOTED = [
    ContractKey(SYMBOL, kind, EXPIRY, strike) for strike in (24_900.0, 25_000.0, 25_100.0) for kind in ("CE", "PE")
]
RARE = ContractKey(SYMBOL, "CE", EXPIRY, 26_000.0)
OPENS = ist("2026-02-02 09:15:00")
MINUTES = 120
STOPS, RETURNS = ist("2026-02-02 10:20:35"), ist("2026-02-02 10:44:20")  # the feed dies and comes back within minutes
FIRST, LAST = ist("2026-02-02 10:21:00"), ist("2026-02-02 10:43:00")
NOW = ist("2026-02-02 11:17:00")  # the last minute with ticks has just settled
NIGHT = ist("2026-02-02 20:00:00")


def morning(seed: int = 1) -> list[Snapshot]:
    """Return the ticks of a Monday, 09:15 to 11:15."""
    chance = random.Random(seed)
    volumes = dict.fromkeys([*QUOTED, RARE], 0)
    return [
        (ts, _market(ts, number, chance, volumes))
        for number in range(MINUTES)
        for ts in (OPENS + number * MINUTE + second * 1000 for second in sorted({*chance.sample(range(57), 2), 58}))
    ]


def _market(ts: int, number: int, chance: random.Random, volumes: dict[ContractKey, int]) -> list[RecordedTick]:
    spot = round(25_000 + 60 * math.sin(ts / 3e6) + chance.gauss(0, 3), 2)
    ticks = [RecordedTick(SPOT, ts, last=spot)]
    for key in QUOTED:
        volumes[key] += 65 * chance.randrange(40)
        price = max(round(fair_price((EXPIRY, key.kind, key.strike or 0.0), ts, spot), 2), 0.05)
        ticks.append(
            RecordedTick(
                key, ts, last=price, volume=volumes[key], oi=65.0 * chance.randrange(5_000, 6_000),
                bid=round(price - 0.05, 2), bid_qty=130.0, ask=round(price + 0.05, 2), ask_qty=195.0,
            )
        )  # fmt: skip
    if number % 7 == 0:
        volumes[RARE] += 65
        ticks.append(RecordedTick(RARE, ts, last=1.0 + number / 100, volume=volumes[RARE], oi=6_500.0))
    return ticks


def without_hole(day: Iterable[Snapshot], *, stops: int = STOPS, returns: int = RETURNS) -> list[Snapshot]:
    """Return a day whose feed was silent from one instant to another."""
    return [(ts, ticks) for ts, ticks in day if not stops <= ts < returns]


def candles_of(day: Iterable[Snapshot]) -> Candles:
    """Return the one-minute candles of a day's ticks by token, as a ticker service that missed nothing has them."""
    ticks = [tick for _, snapshot in day for tick in snapshot if tick.last]
    keys = {tick.key for tick in ticks}
    tokens = ensure_instruments(keys=keys, seen_on=MONDAY)
    return {tokens[key]: _candles(sorted((t for t in ticks if t.key == key), key=_age)) for key in keys}


def _age(tick: RecordedTick) -> tuple[int, float, float]:
    return tick.ts, tick.volume or 0.0, tick.last or 0.0


def _candles(ticks: list[RecordedTick]) -> list[list[float | None]]:
    candles: list[list[float | None]] = []
    before = 0.0
    for minute, group in groupby(ticks, key=lambda tick: tick.ts // MINUTE * MINUTE):
        within = list(group)
        prices = [tick.last for tick in within if tick.last]
        day = max(before, *(tick.volume or 0.0 for tick in within))
        candles.append([minute, prices[0], max(prices), min(prices), prices[-1], day - before, within[-1].oi])
        before = day
    return candles


Rows = dict[tuple[int, int], dict[str, Any]]


def stored(first_ms: int = 0, last_ms: int = 1 << 62) -> Rows:
    """Return the stored bars by token and minute, those from one minute to another."""
    rows: Rows = {}
    for row in Bar.objects.values("instrument__token", *(field.name for field in Bar._meta.concrete_fields)):
        minute = int(row["time"].timestamp() * 1000)
        if first_ms <= minute <= last_ms:
            rows[row.pop("instrument__token"), minute] = row
    return rows


def expected(candles: Candles, first_ms: int, last_ms: int) -> dict[tuple[int, int], tuple[float | None, ...]]:
    """Return open, high, low, close, volume and open interest that the bars of some minutes have to have."""
    return {
        (token, int(row[0] or 0)): tuple(row[1:])
        for token, rows in candles.items()
        for row in rows
        if first_ms <= (row[0] or 0) <= last_ms
    }


def traded(rows: Rows, spots: Iterable[int]) -> dict[tuple[int, int], tuple[Any, ...]]:
    """Return the same of stored bars; a spot has a volume of none, a candle of it one of 0."""
    names = ("open", "high", "low", "close", "volume", "oi")
    return {
        key: tuple(0 if name == "volume" and key[0] in spots else row[name] for name in names)
        for key, row in rows.items()
    }


def forget_bars() -> None:
    """Remove what ingest wrote; the master stays."""
    for model in (Bar, ChainMetric, OfficialClose, RollupDue):
        model._default_manager.all().delete()
