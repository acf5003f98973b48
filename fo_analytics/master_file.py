"""Read a broker's instrument master, the CSV that Kite publishes, into rows.

Pure but for reading the file it is given. A row that cannot be true is handed back with its line number and the reason;
rows that are none of our business are counted. An index has no lot and no tick (0 in the file): it gets 1 and 0.05.
"""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from fo_analytics.domain.symbols import canonical

COLUMNS = (
    "instrument_token",
    "tradingsymbol",
    "name",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
# Whose sessions a market follows.
DERIVATIVES = {"NFO": "NSE", "BFO": "BSE"}
CASH = {"NSE": "NSE", "BSE": "BSE"}
TOKEN_LIMIT = 1 << 32
REPORT_EVERY = 1000

_NO_TICK = Decimal("0.05")
_LARGEST_LOT = 2**31 - 1

Cells = dict[str, str]
Lines = list[tuple[int, list[str]]]
Progress = Callable[[str, int, int], None]
ContractName = tuple[str, str, date | None, Decimal | None]


class UnreadableMaster(ValueError):
    """A file that is no instrument master; says why."""


class _Wrong(ValueError):
    """What is wrong with a row."""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A contract or a spot as the file has it; prices in rupees, `symbol` canonical, `line` counted from 1."""

    line: int
    token: int
    symbol: str
    exchange: str
    market: str
    kind: str
    tradingsymbol: str
    is_index: bool
    expiry: date | None
    strike: Decimal | None
    lot_size: int
    tick_size: Decimal

    @property
    def contract(self) -> ContractName:
        """Return what names the contract whatever its token."""
        return self.symbol, self.kind, self.expiry, self.strike


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out, and why; `symbol` is empty where even that cannot be read."""

    line: int
    reason: str
    symbol: str


@dataclass(slots=True)
class MasterFile:
    """What a file holds. `cash` are rows not looked at yet; `ignored` counts those of no use to us."""

    contracts: list[ListedRow] = field(default_factory=list)
    cash: list[tuple[int, Cells]] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    ignored: int = 0

    @property
    def first_expiry(self) -> ListedRow | None:
        """Return the contract that expires first: the list is no younger than that day."""
        return min(self.contracts, key=lambda row: row.expiry or date.max, default=None)


def read_master(path: Path, *, progress: Progress) -> MasterFile:
    """Return what a master (.csv, .csv.gz) lists. Raises UnreadableMaster, OSError."""
    opener: Callable[..., Iterable[str]] = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:  # type: ignore[attr-defined]
            reader = csv.reader(file)
            header = next(reader, [])
            lines = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, EOFError, csv.Error, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableMaster(f"{path.name} cannot be read: {error}") from error
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UnreadableMaster(f"{path.name} is no instrument master: it has no column {', '.join(missing)}")
    if not lines:
        raise UnreadableMaster(f"{path.name} lists nothing")
    return _parse(header, lines, progress)


def take_spots(found: MasterFile, exchanges: Mapping[str, str]) -> list[ListedRow]:
    """Return the cash rows of the underlyings, given by symbol with their exchange; the other rows become ignored.

    A share of the same name on another exchange is not the spot.
    """
    spots: list[ListedRow] = []
    for line, row in found.cash:
        symbol = canonical(row["tradingsymbol"])
        if exchanges.get(symbol) != CASH[row["exchange"]]:
            found.ignored += 1
            continue
        try:
            spots.append(_spot(line, row))
        except _Wrong as wrong:
            found.bad.append(BadRow(line, str(wrong), symbol))
    found.cash = []
    return spots


def without_repetitions(rows: Iterable[ListedRow]) -> tuple[list[ListedRow], list[BadRow]]:
    """Return the rows without those that repeat an earlier one's token or contract, and these as bad rows."""
    tokens: dict[int, int] = {}
    contracts: dict[ContractName, int] = {}
    kept: list[ListedRow] = []
    bad: list[BadRow] = []
    for row in rows:
        if row.token in tokens:
            bad.append(BadRow(row.line, f"token {row.token} is on line {tokens[row.token]} already", row.symbol))
        elif row.contract in contracts:
            bad.append(BadRow(row.line, f"the same contract is on line {contracts[row.contract]} already", row.symbol))
        else:
            tokens[row.token] = contracts[row.contract] = row.line
            kept.append(row)
    return kept, bad


def _parse(header: list[str], lines: Lines, progress: Progress) -> MasterFile:
    found = MasterFile()
    for done, (line, cells) in enumerate(lines):
        if done % REPORT_EVERY == 0:
            progress("reading", done, len(lines))
        _sort_in(found, line, dict(zip(header, cells, strict=False)), len(cells) - len(header))
    progress("reading", len(lines), len(lines))
    return found


def _sort_in(found: MasterFile, line: int, row: Cells, surplus: int) -> None:
    try:
        if surplus:
            raise _Wrong(f"{abs(surplus)} columns {'more' if surplus > 0 else 'fewer'} than the header")
        if row["exchange"] in DERIVATIVES:
            found.contracts.append(_contract(line, row))
        elif row["exchange"] in CASH:
            found.cash.append((line, row))
        else:
            found.ignored += 1
    except _Wrong as wrong:
        # In a row that is too short or too long the name may stand in another's place.
        found.bad.append(BadRow(line, str(wrong), "" if surplus else canonical(row["name"])))


def _contract(line: int, row: Cells) -> ListedRow:
    kind = row["instrument_type"]
    if kind not in ("FUT", "CE", "PE"):
        raise _Wrong(f"instrument_type {kind!r} is none of FUT, CE, PE")
    return ListedRow(
        line=line,
        token=_token(row),
        symbol=_symbol(row["name"]),
        exchange=DERIVATIVES[row["exchange"]],
        market=row["exchange"],
        kind=kind,
        tradingsymbol=_text(row, "tradingsymbol", 64),
        is_index=False,
        expiry=_expiry(row["expiry"]),
        strike=None if kind == "FUT" else _amount(row, "strike", places=2, below=10**10),
        lot_size=_whole(row, "lot_size", below=_LARGEST_LOT),
        tick_size=_amount(row, "tick_size", places=4, below=10**4),
    )


def _spot(line: int, row: Cells) -> ListedRow:
    is_index = row["segment"] == "INDICES"
    return ListedRow(
        line=line,
        token=_token(row),
        symbol=_symbol(row["tradingsymbol"]),
        exchange=CASH[row["exchange"]],
        market=row["exchange"],
        kind="SPOT",
        tradingsymbol=_text(row, "tradingsymbol", 64),
        is_index=is_index,
        expiry=None,
        strike=None,
        lot_size=1 if is_index else _whole(row, "lot_size", below=_LARGEST_LOT),
        tick_size=_NO_TICK if is_index else _amount(row, "tick_size", places=4, below=10**4),
    )


def _token(row: Cells) -> int:
    return _whole(row, "instrument_token", below=TOKEN_LIMIT)


def _text(row: Cells, column: str, longest: int) -> str:
    text = row[column].strip()
    if not text or len(text) > longest or not text.isprintable():
        raise _Wrong(f"{column} {text[:80]!r} is not 1 to {longest} characters")
    return text


def _symbol(name: str) -> str:
    return _text({"name": canonical(name)}, "name", 32)


def _expiry(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _Wrong(f"expiry {text!r} is not a date (YYYY-MM-DD)") from None


def _whole(row: Cells, column: str, *, below: int) -> int:
    text = row[column].strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < below):
        raise _Wrong(f"{column} {text!r} is not a whole number above 0 and below {below:,}")
    return int(text)


def _amount(row: Cells, column: str, *, places: int, below: int) -> Decimal:
    text = row[column].strip()
    try:
        value = Decimal(text)
        # Comparing NaN raises InvalidOperation as well.
        if 0 < value < below and value == round(value, places):
            return value
    except InvalidOperation:
        pass
    raise _Wrong(f"{column} {text!r} is not an amount above 0 with at most {places} decimals")
