"""Matrices of cells as MessagePack: nested maps {row: {group: {field: value}}}, written by a compiled loop.

Ingest publishes thousands of contracts several times a second; as Python objects, their two dozen numbers each would
cost more than valuing them does. Integers and floats take their nine-byte forms, which every decoder reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fo_analytics.domain.pricing.compiled import loop
from fo_analytics.domain.ticks import Floats, Ints, Mask

Bytes = npt.NDArray[np.uint8]

_FLOAT64, _INT64, _NIL = 0xCB, 0xD3, 0xC0
_MAP16, _MAP32 = 0xDE, 0xDF
encode = msgspec.msgpack.Encoder().encode


class Kind(Enum):
    """What the numbers of a field become; NaN becomes null whatever the kind."""

    NUMBER = _FLOAT64
    WHOLE = _INT64
    WORD = 0  # a code's word


class Texts(NamedTuple):
    """Encoded texts: (n, longest) bytes and each one's length (n,)."""

    bytes: Bytes
    length: Ints


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a cell in order with their kinds, the groups of a row, and each word field's words by code."""

    fields: Mapping[str, Kind]
    groups: Sequence[str]
    words: Mapping[str, Mapping[int, str | None]]


class Packer:
    """Writes cells (f, g, r): values of f fields of g groups of r rows."""

    def __init__(self, shape: Shape) -> None:
        self._names, self._groups = texts(list(shape.fields)), texts(list(shape.groups))
        kinds = list(shape.fields.values())
        self._marker = np.array([kind.value for kind in kinds], np.uint8)
        self._whole = np.array([kind is Kind.WHOLE for kind in kinds])
        self._first = np.zeros((len(kinds), 1, 1), np.int64)
        words: list[str | None] = []
        for place, name in enumerate(shape.fields):
            if name in shape.words:
                table = shape.words[name]
                self._first[place] = len(words) - min(table)
                words += [table.get(code) for code in range(min(table), max(table) + 1)]
        self._words = texts(words)

    def pack(self, rows: Texts, cells: Floats, chosen: Mask, own: tuple[str, Floats] | None = None) -> bytes:
        """Return the map of the rows that have a chosen cell; with `own` of all rows, each with that number of its own.

        `rows` by `texts`, r of them; `chosen` (f, g, r). At most 14 groups. Codes must be among the words.
        """
        # In one order, or the loop would be compiled once more for any other.
        cells, chosen = np.ascontiguousarray(cells), np.ascontiguousarray(chosen)
        absent = np.isnan(cells)
        known = np.where(absent, 0.0, cells)
        numbers = known.astype(">f8")
        numbers.view(">i8")[self._whole] = np.round(known[self._whole])
        codes = np.where(self._marker[:, None, None] == 0, known, 0).astype(np.int64) + self._first
        values = _Values(numbers.view(np.uint8).reshape(*cells.shape, 8), absent, codes, chosen)
        number = own[1].astype(">f8").view(np.uint8).reshape(-1, 8) if own else np.empty((0, 8), np.uint8)
        texts_of = _Texts(self._names, self._words, self._groups, rows, texts([own[0] if own else ""]))
        out = np.empty(self._room(cells.shape[2], texts_of), np.uint8)
        return out[: _write(out, values, self._marker, texts_of, number)].tobytes()

    def _room(self, rows: int, texts_of: "_Texts") -> int:
        """Return how many bytes the largest map of so many rows takes."""
        value = max(9, texts_of.words.bytes.shape[1])
        cell = int((self._names.length + value).sum()) + self._groups.bytes.shape[1] + 3
        row = texts_of.rows.bytes.shape[1] + 1 + texts_of.own.bytes.shape[1] + 9 + cell * len(self._groups.length)
        return 5 + rows * int(row)


class _Values(NamedTuple):
    """Of each cell (f, g, r): eight bytes of a number, whether it is absent, its word, and whether it is written."""

    numbers: Bytes
    absent: Mask
    codes: Ints
    chosen: Mask


class _Texts(NamedTuple):
    names: Texts
    words: Texts
    groups: Texts
    rows: Texts
    own: Texts


def texts(values: Sequence[str | None]) -> Texts:
    """Return values encoded, None as null."""
    encoded = [encode(value) for value in values]
    table = np.zeros((len(encoded), max(map(len, encoded), default=0)), np.uint8)
    for place, text in enumerate(encoded):
        table[place, : len(text)] = np.frombuffer(text, np.uint8)
    return Texts(table, np.array([len(text) for text in encoded], np.int64))


def join(parts: Mapping[str, bytes]) -> bytes:
    """Return a map of values that are encoded already (at most 15)."""
    return bytes([0x80 | len(parts)]) + b"".join(encode(name) + part for name, part in parts.items())


@loop
def _write(out: Bytes, values: _Values, marker: Bytes, text: _Texts, own: Bytes) -> int:
    """Write the map into `out`; return its end."""
    groups, rows = values.chosen.shape[1], values.chosen.shape[2]
    end, written = 5, 0
    for row in range(rows):
        present = 0
        for group in range(groups):
            present += int(values.chosen[:, group, row].any())
        if present == 0 and own.size == 0:
            continue
        written += 1
        end = _put(out, end, text.rows, row)
        out[end] = 0x80 | (present + (own.size > 0))
        end += 1
        if own.size > 0:
            end = _number(out, _put(out, end, text.own, 0), _FLOAT64, own[row])
        for group in range(groups):
            if values.chosen[:, group, row].any():
                end = _cell(out, _put(out, end, text.groups, group), values, marker, text, group, row)
    out[0] = _MAP32
    for byte in range(4):
        out[1 + byte] = (written >> (8 * (3 - byte))) & 255
    return end


@loop
def _cell(out: Bytes, end: int, values: _Values, marker: Bytes, text: _Texts, group: int, row: int) -> int:
    """Write the chosen fields of one cell."""
    several = values.chosen[:, group, row].sum()
    out[end], out[end + 1], out[end + 2] = _MAP16, several >> 8, several & 255
    end += 3
    for field in range(len(marker)):
        if not values.chosen[field, group, row]:
            continue
        end = _put(out, end, text.names, field)
        if values.absent[field, group, row]:
            out[end] = _NIL
            end += 1
        elif marker[field] == 0:
            end = _put(out, end, text.words, values.codes[field, group, row])
        else:
            end = _number(out, end, marker[field], values.numbers[field, group, row])
    return end


@loop
def _put(out: Bytes, end: int, text: Texts, place: int) -> int:
    """Copy a text."""
    length = text.length[place]
    for byte in range(length):
        out[end + byte] = text.bytes[place, byte]
    return int(end + length)


@loop
def _number(out: Bytes, end: int, marker: int, number: Bytes) -> int:
    """Write a number of eight bytes."""
    out[end] = marker
    for byte in range(8):
        out[end + 1 + byte] = number[byte]
    return end + 9
