"""Recorded option chains as snapshots of ticks. Pure but for reading the file it is given.

Two shapes are known, told apart by their header: chains of several underlyings with spot (amounts in units, no quotes),
and the exchange's own chain page (amounts in lots, best bid and ask, no spot). Both stamp IST. A 0 in a price is
"none"; feeds without quotes say so by nil.
"""

import csv
import gzip
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from fo_analytics.domain.calendar import IST, to_ms

Row = dict[str, str]


class UnknownRecording(ValueError):
    """A file that is no recording we can read; says which and why."""


@dataclass(frozen=True, slots=True)
class ContractKey:
    """What names a contract across sources. `kind` is SPOT, CE or PE; strike in rupees."""

    underlying: str
    kind: str
    expiry: date | None = None
    strike: float | None = None


@dataclass(frozen=True, slots=True)
class RecordedTick:
    """One contract at one instant; prices rupees, amounts units, None where the recording has no such column."""

    key: ContractKey
    ts: int
    last: float | None
    volume: float | None = None
    oi: float | None = None
    bid: float | None = None
    bid_qty: float | None = None
    ask: float | None = None
    ask_qty: float | None = None


Snapshots = Iterator[tuple[int, list[RecordedTick]]]

# Units a lot, by the first expiry they apply to (exchange circulars); recordings do not state it.
LOTS: dict[str, tuple[tuple[date, int], ...]] = {
    "NIFTY": ((date(2024, 12, 1), 75), (date(2026, 1, 1), 65)),
    "BANKNIFTY": ((date(2024, 12, 1), 30), (date(2025, 7, 1), 35), (date(2026, 1, 1), 30)),
    "MIDCPNIFTY": ((date(2024, 12, 1), 120), (date(2025, 7, 1), 140), (date(2026, 1, 1), 120)),
    "FINNIFTY": ((date(2024, 12, 1), 65), (date(2026, 1, 1), 60)),
}


def lot_size(underlying: str, expiry: date) -> int:
    """Return the units in a lot of a recorded index contract. Raises UnknownRecording where it is not known."""
    sizes = [size for first, size in LOTS.get(underlying, ()) if expiry >= first]
    if not sizes:
        raise UnknownRecording(f"the lot size of {underlying} {expiry} is not known")
    return sizes[-1]


def read(path: Path) -> Snapshots:
    """Return the snapshots of a recording, (stamp ms, ticks), in order of time. Raises UnknownRecording, OSError."""
    opener: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    ticks: list[RecordedTick] = []
    with opener(path, "rt", encoding="utf-8", newline="") as file:  # type: ignore[attr-defined]
        reader = csv.DictReader(file)
        convert = _converter(path, frozenset(reader.fieldnames or ()))
        for number, row in enumerate(reader, start=2):
            try:
                ticks += convert(row)
            except (ValueError, TypeError) as error:
                raise UnknownRecording(f"{path.name}, line {number}: {error}") from error
    return _snapshots(ticks)


def recordings(path: Path) -> list[Path]:
    """Return the recordings at a path: the file itself, or those of a folder by name. Raises UnknownRecording."""
    if path.is_file():
        return [path]
    found = [file for file in sorted(path.glob("*.csv*")) if _is_recording(file)] if path.is_dir() else []
    if not found:
        raise UnknownRecording(f"{path} is neither a recording nor a folder of recordings (.csv, .csv.gz)")
    return found


def _is_recording(path: Path) -> bool:
    opener: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:  # type: ignore[attr-defined]
        header = frozenset(next(csv.reader(file), []))
    return any(needed <= header for needed, _ in _SHAPES)


def _converter(path: Path, header: frozenset[str]) -> Callable[[Row], list[RecordedTick]]:
    for needed, convert in _SHAPES:
        if needed <= header:
            return convert
    raise UnknownRecording(f"{path.name} has none of the known headers; it has: {', '.join(sorted(header))[:200]}")


def _snapshots(ticks: list[RecordedTick]) -> Snapshots:
    ticks.sort(key=lambda tick: tick.ts)
    at = 0
    while at < len(ticks):
        end = at
        while end < len(ticks) and ticks[end].ts == ticks[at].ts:
            end += 1
        # The spot is repeated on every row of its snapshot.
        yield ticks[at].ts, list(dict.fromkeys(ticks[at:end]))
        at = end


def _stamp(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=IST))


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a number")
    return value


def _chain_with_spot(row: Row) -> list[RecordedTick]:
    ts, symbol = _stamp(row["timestamp"]), row["Symbol"]
    expiry, strike = date.fromisoformat(row["Expiry"]), _number(row["Strike"])
    ticks = [
        RecordedTick(
            ContractKey(symbol, kind, expiry, strike),
            ts,
            last=_number(row[f"{kind}_LTP"]),
            volume=_number(row[f"{kind}_Volume"]),
            oi=_number(row[f"{kind}_OI"]),
        )
        for kind in ("CE", "PE")
    ]
    spot = _number(row["Spot"])
    return [*ticks, RecordedTick(ContractKey(symbol, "SPOT"), ts, last=spot)] if spot else ticks


def _exchange_page(row: Row) -> list[RecordedTick]:
    ts, symbol = _stamp(row["Fetch_Time"]), row["Symbol"]
    expiry, strike = date.fromisoformat(row["Expiry_Date"]), _number(row["Strike_Price"])
    lot = lot_size(symbol, expiry)
    return [
        RecordedTick(
            ContractKey(symbol, kind, expiry, strike),
            ts,
            last=_number(row[f"{side}_LTP"]),
            volume=round(_number(row[f"{side}_Volume"]) * lot),
            oi=round(_number(row[f"{side}_OI"]) * lot),
            bid=_number(row[f"{side}_Bid_Price"]),
            bid_qty=_number(row[f"{side}_Bid_Qty"]),
            ask=_number(row[f"{side}_Ask_Price"]),
            ask_qty=_number(row[f"{side}_Ask_Qty"]),
        )
        for side, kind in (("CALLS", "CE"), ("PUTS", "PE"))
    ]


_SHAPES: tuple[tuple[frozenset[str], Callable[[Row], list[RecordedTick]]], ...] = (
    (frozenset({"Symbol", "Expiry", "Strike", "CE_LTP", "PE_LTP", "Spot", "timestamp"}), _chain_with_spot),
    (
        frozenset({"Fetch_Time", "Symbol", "Expiry_Date", "Strike_Price", "CALLS_LTP", "PUTS_LTP"}),
        _exchange_page,
    ),
)
