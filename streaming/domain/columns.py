"""Mappings of rows as columns: far fewer bytes where many rows have the same fields. Lossless, pure.

A *table* stands in a MessagePack document in place of a mapping whose values are mappings (`strikes` of a chain, or of
a patch to one): the keys of the rows once, and a column for each path below them, its numbers in one binary.
The wire is described in docs/protocol.md, "Columns".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

TABLE, HEADER_BYTES = 1, 6  # the extension type of MessagePack, and what stands before one at most
# What the numbers of a column are: integers, the bits of floats, or, from 0 on, floats of so many decimals.
INTEGER, BITS = -2, -1
# Most first: a price has two decimals, the middle of two prices three.
DECIMALS = (4, 2, 0)
MIN_ROWS = 2

_INT64 = range(-(1 << 63), 1 << 63)
_EXACT = 2.0**53  # below it a float holds every integer
_encode = msgspec.msgpack.Encoder().encode

Path = tuple[str, ...]
Cells = dict[int, Any]  # by the number of the row
Places = defaultdict[Path, defaultdict[tuple[str, type], Cells]]


class Column(NamedTuple):
    """The values of one type at one path."""

    path: Path
    kind: type
    cells: Cells


class Numbers(NamedTuple):
    """Columns of numbers one after the other: (n,) int64, and of each column what they are and how many."""

    values: NDArray[np.int64]
    kinds: Sequence[int]
    counts: Sequence[int]


def pack(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with tables in place of mappings of rows, wherever that is shorter, ready for MessagePack.

    The document itself always stays a mapping. Numbers beyond 64 bits are not MessagePack's.
    """
    return {key: _packed(value) if type(value) is dict else value for key, value in document.items()}


def _packed(mapping: dict[str, Any]) -> Any:
    rows = {key: value for key, value in mapping.items() if type(value) is dict and value}
    if len(rows) >= MIN_ROWS:
        rest = {key: value for key, value in mapping.items() if key not in rows}
        table = _encode([list(rows), _wire(_columns(rows.values()), len(rows)), rest])
        if len(table) + HEADER_BYTES < len(_encode(mapping)):
            return msgspec.msgpack.Ext(TABLE, table)
    return pack(mapping)


def _columns(rows: Iterable[dict[str, Any]]) -> list[Column]:
    """Return what stands in rows."""
    found: Places = defaultdict(lambda: defaultdict(dict))
    for number, row in enumerate(rows):
        _gather(found, (), row, number)
    return [Column((*path, key), kind, cells) for path, here in found.items() for (key, kind), cells in here.items()]


def _gather(found: Places, path: Path, mapping: dict[str, Any], row: int) -> None:
    """Add what stands in a row below a path. An empty mapping is a value."""
    here = found[path]
    for key, value in mapping.items():
        kind = type(value)
        if kind is dict and value:
            _gather(found, (*path, key), value, row)
        else:
            here[key, kind][row] = value


def _wire(columns: Sequence[Column], rows: int) -> list[Any]:
    """Return columns as they are sent: the path, and what follows it or the number of the column where that stands."""
    floats = [column for column in columns if column.kind is float]
    integers = [column for column in columns if column.kind is int and _fits(column.cells.values())]
    binaries: dict[tuple[Path, type], list[Any]] = {}
    for group, numbers in ((floats, _floats), (integers, _integers)):
        if group:
            binaries |= zip((column[:2] for column in group), _binaries(numbers(group)), strict=True)
    sent: list[Any] = []
    seen: dict[bytes, int] = {}
    for number, column in enumerate(columns):
        values = binaries.get(column[:2]) or [list(column.cells.values())]
        content = [_mask(column.cells, rows), *values]
        first = seen.setdefault(_encode(content), number)
        sent.append([*column.path, content if first == number else first])
    return sent


def _fits(values: Iterable[int]) -> bool:
    return all(value in _INT64 for value in values)


def _mask(cells: Cells, rows: int) -> bytes | None:
    """Return a bit for each row that has a value, the first row's the least; None where all have one."""
    if len(cells) == rows:
        return None
    bits = sum(1 << row for row in cells)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")


def _integers(columns: Sequence[Column]) -> Numbers:
    counts = [len(column.cells) for column in columns]
    values = np.fromiter(chain.from_iterable(column.cells.values() for column in columns), np.int64, sum(counts))
    return Numbers(values, [INTEGER] * len(columns), counts)


def _floats(columns: Sequence[Column]) -> Numbers:
    """Return each column by its decimals where all its floats have no more than so many, else by their bits."""
    counts = [len(column.cells) for column in columns]
    values = np.fromiter(chain.from_iterable(column.cells.values() for column in columns), np.float64, sum(counts))
    bits = values.view(np.int64)
    numbers, kinds = bits.copy(), np.full(len(columns), BITS)
    for decimals in DECIMALS:
        with np.errstate(over="ignore"):
            scaled = np.rint(values * 10.0**decimals)
        within = np.abs(scaled) < _EXACT
        integers = np.where(within, scaled, 0.0).astype(np.int64)
        # What is divided again must be the very same float, its sign at zero too.
        exact = within & ((integers / 10.0**decimals).view(np.int64) == bits)
        whole = np.logical_and.reduceat(exact, _starts(counts))
        kinds[whole] = decimals
        chosen = np.repeat(whole, counts)
        numbers[chosen] = integers[chosen]
    return Numbers(numbers, kinds.tolist(), counts)


def _binaries(numbers: Numbers) -> list[list[Any]]:
    """Return kind, base, and what the numbers are above it in as few bytes as the largest needs, least first."""
    starts = _starts(numbers.counts)
    bases = np.minimum.reduceat(numbers.values, starts)
    above = numbers.values.view(np.uint64) - np.repeat(bases, numbers.counts).view(np.uint64)
    most = np.maximum.reduceat(above, starts).tolist()
    raw = above.astype("<u8").view(np.uint8).reshape(-1, 8)
    return [
        [kind, base, raw[start : start + count, : (top.bit_length() + 7) // 8].tobytes()]
        for kind, base, start, count, top in zip(
            numbers.kinds, bases.tolist(), starts, numbers.counts, most, strict=True
        )
    ]


def _starts(counts: Sequence[int]) -> list[int]:
    return list(accumulate(counts, initial=0))[:-1]
