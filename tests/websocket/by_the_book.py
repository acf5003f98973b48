"""Tables of the format `columns`, read as docs/protocol.md says, step by step, and without code of the product."""

import struct
from typing import Any

import msgspec

Json = dict[str, Any]


def decode(message: bytes) -> Any:
    """Return what a MessagePack message says, each of its tables being the mapping that it stands for."""
    return msgspec.msgpack.decode(message, ext_hook=mapping)


def mapping(code: int, payload: memoryview) -> Json:
    """Return what a table stands for."""
    assert code == 1
    keys, columns, rest = msgspec.msgpack.decode(payload)
    found: Json = {}
    contents: list[Any] = []
    for key in keys:
        found[key] = {}
    for column in columns:
        path, content = column[:-1], column[-1]
        contents.append(contents[content] if isinstance(content, int) else content)
        mask, values = contents[-1][0], contents[-1][1:]
        members = [key for number, key in enumerate(keys) if mask is None or has_bit(mask, number)]
        for key, value in zip(members, plain(values, len(members)), strict=True):
            place = found[key]
            for name in path[:-1]:
                place = place.setdefault(name, {})
            assert path[-1] not in place
            place[path[-1]] = value
    assert not found.keys() & rest.keys()
    found.update(rest)
    return found


def has_bit(mask: bytes, number: int) -> bool:
    """Return whether a row has a value. Bytes that are not there are zero."""
    return number // 8 < len(mask) and bool(mask[number // 8] & (1 << number % 8))


def plain(values: list[Any], count: int) -> list[Any]:
    """Return the values of a column."""
    if len(values) == 1:
        listed: list[Any] = values[0]
        return listed
    kind, base, binary = values
    width, left = divmod(len(binary), count)
    assert left == 0
    return [value_of(kind, base + above(binary[width * n : width * (n + 1)])) for n in range(count)]


def above(part: bytes) -> int:
    """Return a number, its least byte first."""
    return sum(byte * 256**place for place, byte in enumerate(part))


def value_of(kind: int, number: int) -> float:
    """Return what a number stands for."""
    if kind == -2:
        return number
    if kind == -1:
        [value] = struct.unpack(">d", (number % 2**64).to_bytes(8, "big"))
        return float(value)
    return float(number / 10**kind)
