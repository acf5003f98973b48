"""The recorded days as a table, and what strategies were worth in them: computed by itself, in Decimal, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path

import pandas as pd

DAYS = ("2026-01-30", "2026-02-01", "2026-02-02", "2026-02-03")
EXPIRY = "2026-02-03"
OPEN, CLOSE = time(9, 15), time(15, 30)
LOT = 65
OFFICIAL_CLOSE, LAST_SPOT = Decimal("25727.55"), Decimal("25713.80")


@dataclass(frozen=True)
class Holding:
    """So many lots (negative: sold) of a contract (`25000 CE`), bought or sold at a price."""

    contract: str
    lots: int
    price: Decimal


@cache
def prices(folder: Path) -> "pd.DataFrame":
    """Return last prices as text, one row a stamp of the session (naive IST), one column a contract; absent: NaN."""
    days = [pd.read_csv(folder / f"nse_2026_02/index_option_chain_{day}.csv.gz", dtype=str) for day in DAYS]
    rows = pd.concat(days)
    rows = rows[rows["Symbol"] == "NIFTY"]
    stamp = pd.to_datetime(rows["timestamp"])
    strike = rows["Strike"].astype(float).astype(int).astype(str)
    sides = [
        pd.DataFrame({"stamp": stamp, "contract": strike + f" {side}", "price": rows[f"{side}_LTP"]})
        for side in ("CE", "PE")
    ]
    long = pd.concat(sides)
    long = long[long["price"].astype(float) > 0]
    inside = (long["stamp"].dt.time >= OPEN) & (long["stamp"].dt.time < CLOSE)
    return (
        long[inside]
        .drop_duplicates(["stamp", "contract"], keep="last")
        .pivot(index="stamp", columns="contract", values="price")
    )


Candle = tuple[Decimal, Decimal, Decimal, Decimal]


def candles(table: "pd.DataFrame", holdings: Sequence[Holding], *, entered: datetime) -> dict[datetime, Candle]:
    """Return open, high, low and close of each minute (naive IST) in which a leg's price was seen."""
    found: dict[datetime, list[Decimal]] = {}
    last: dict[str, Decimal] = {}
    for stamp, row in table.iterrows():
        seen = {h.contract: Decimal(row[h.contract]) for h in holdings if isinstance(row.get(h.contract), str)}
        last |= seen
        at = stamp.to_pydatetime()
        if at < entered or not (seen or at == entered) or len(last) < len({h.contract for h in holdings}):
            continue
        found.setdefault(at.replace(second=0, microsecond=0), []).append(value(holdings, last))
    return {minute: (values[0], max(values), min(values), values[-1]) for minute, values in found.items()}


def value(holdings: Sequence[Holding], prices: Mapping[str, Decimal]) -> Decimal:
    """Return what holdings gained at prices, rupees, rounded once."""
    total = sum((h.lots * LOT * (prices[h.contract] - h.price) for h in holdings), Decimal(0))
    return total.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def intrinsic(contract: str, close: Decimal) -> Decimal:
    """Return what an option is worth at expiry."""
    strike, side = contract.split()
    beyond = close - Decimal(strike)
    return max(beyond if side == "CE" else -beyond, Decimal(0))
