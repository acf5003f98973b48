"""Mappings of rows that come as columns (docs/protocol.md, "Columns")."""

import struct
from collections.abc import Sequence
from typing import Any

import msgspec

TABLE = 1  # the extension type of MessagePack
INTEGER, BITS = -2, -1  # kinds of numbers; from 0 on: floats of so many decimals

Row = dict[str, Any]

_table = msgspec.msgpack.Decoder(tuple[list[str], list[list[Any]], Row])


def unpack(code: int, data: memoryview) -> Row:
    """Return the mapping that an extension of MessagePack stands for. Raise ValueError where it is no table."""
    if code != TABLE:
        raise ValueError(f"extension {code} is not known")
    try:
        keys, columns, rest = _table.decode(data)
        return _rows(keys, columns) | rest
    except (LookupError, TypeError, AttributeError, ArithmeticError, struct.error, msgspec.MsgspecError) as error:
        raise ValueError("a table that cannot be read") from error


def _rows(keys: Sequence[str], columns: Sequence[Sequence[Any]]) -> Row:
    """Return the rows, by key."""
    rows: Row = {key: {} for key in keys}
    cells: list[list[tuple[Row, Any]]] = []
    for *path, content in columns:
        cells.append(cells[content] if isinstance(content, int) else _cells(list(rows.values()), *content))
        for row, value in cells[-1]:
            _put(row, path, value)
    return rows


def _put(row: Row, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        row = row.setdefault(key, {})
    row[path[-1]] = value


def _cells(rows: Sequence[Row], mask: bytes | None, *values: Any) -> list[tuple[Row, Any]]:
    """Return the rows that a column has values for, each with its value."""
    if mask is not None:
        bits = int.from_bytes(mask, "little")
        rows = [row for number, row in enumerate(rows) if bits >> number & 1]
    return list(zip(rows, values[0] if len(values) == 1 else _numbers(len(rows), *values), strict=True))


def _numbers(count: int, kind: int, base: int, binary: bytes) -> Sequence[float]:
    """Return `count` numbers, each so many bytes above `base`."""
    width = len(binary) // count
    starts = range(0, len(binary), width) if width else ()
    numbers = [base + int.from_bytes(binary[at : at + width], "little") for at in starts] or [base] * count
    if kind == INTEGER:
        return numbers
    if kind == BITS:
        return struct.unpack(f"<{count}d", struct.pack(f"<{count}q", *numbers))
    return [number / 10.0**kind for number in numbers]
