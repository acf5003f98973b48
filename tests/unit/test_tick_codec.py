"""Ticks on the wire: what was sent arrives, what is no batch is refused."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ticker.codec import FIELDS, MalformedBatch, TickBatch, TickRow, decode, encode, join

NUMBERS = st.none() | st.floats(allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
AMOUNTS = st.floats(0, 1e7)
LEVEL = st.tuples(AMOUNTS, AMOUNTS, st.none() | st.integers(0, 500))
DEPTHS = st.none() | st.tuples(*[st.lists(LEVEL, max_size=2)] * 2)
BOOK = [[[101.4, 75, 2], [101.35, 150, None]], [[101.6, 300.0, 4]]]
ROWS = st.tuples(INT64, INT64, *[NUMBERS] * 7, DEPTHS)

ROW: TickRow = (12345, 1_770_000_000_000, 101.5, 7500.0, None, 101.4, 75.0, 101.6, 150.0, None)


def rows_of(batch: TickBatch) -> list[tuple[object, ...]]:
    """Return the rows of a batch, NaN as None."""
    lists = [getattr(batch, name).tolist() for name in FIELDS[:-1]] + [books_of(batch)]
    return [tuple(None if value != value else value for value in row) for row in zip(*lists, strict=True)]


def books_of(batch: TickBatch) -> list[object]:
    """Return each tick's book as it was sent, None where it has none; a level of zeros cannot be told from none."""
    books: list[object] = [None] * len(batch)
    for row, levels in zip(batch.depth.row.tolist(), batch.depth.levels.tolist(), strict=True):
        books[row] = tuple([tuple(None if n != n else n for n in level) for level in side] for side in levels)
    return books


def padded(depth: Any) -> object:
    """Return a book with five levels a side, those that are missing as zeros."""
    return depth and tuple([*side, *[(0.0, 0.0, 0.0)] * (5 - len(side))] for side in depth)


@given(rows=st.lists(ROWS, max_size=6))
def test_what_is_encoded_is_decoded(rows: list[TickRow]) -> None:
    batch = decode(encode(rows))
    sent = [(*(None if value != value else value for value in row[:9]), padded(row[9])) for row in rows]
    assert rows_of(batch) == sent
    assert len(batch) == len(rows)


@given(rows=st.lists(ROWS, max_size=6))
def test_a_nan_is_told_from_an_absent_number(rows: list[TickRow]) -> None:
    said = [any(isinstance(value, float) and math.isnan(value) for value in row[2:9]) for row in rows]
    assert decode(encode(rows)).not_a_number.tolist() == said


def test_whole_numbers_arrive_as_floats_and_columns_have_their_types() -> None:
    batch = decode(msgspec.msgpack.encode([[1, 2, 100, 5, 0, None, None, None, None, None]]))
    assert [str(column.dtype) for column in (batch.token, batch.ts, batch.last)] == [
        "int64",
        "int64",
        "float64",
    ]
    assert batch.last[0] == 100.0
    assert math.isnan(batch.bid[0])


def test_an_empty_batch_has_columns_of_no_length() -> None:
    batch = decode(encode([]))
    assert [len(getattr(batch, name)) for name in FIELDS[:-1]] == [0] * 9
    assert (len(batch.depth.row), batch.depth.levels.shape) == (0, (0, 2, 5, 3))


@given(cut=st.integers(0, len(encode([ROW, ROW])) - 1))
def test_a_truncated_batch_is_refused_wherever_it_is_cut(cut: int) -> None:
    with pytest.raises(MalformedBatch) as caught:
        decode(encode([ROW, ROW])[:cut])
    assert caught.value.rows is None


@given(payload=st.binary(max_size=60))
def test_noise_is_decoded_or_refused_and_nothing_else(payload: bytes) -> None:
    try:
        decode(payload)
    except MalformedBatch:
        return
    assert isinstance(msgspec.msgpack.decode(payload), list)


@pytest.mark.parametrize(
    "row",
    [
        ROW[:-1],
        (*ROW, None),
        ("12345", *ROW[1:]),
        (1.5, *ROW[1:]),
        (True, *ROW[1:]),
        (2**63, *ROW[1:]),
        (*ROW[:2], "101.5", *ROW[3:]),
        (None, *ROW[1:]),
        {"token": 1},
        None,
    ],
)
def test_one_wrong_row_refuses_the_batch_and_tells_how_many_were_in_it(row: object) -> None:
    with pytest.raises(MalformedBatch) as caught:
        decode(msgspec.msgpack.encode([ROW, row, ROW]))
    assert caught.value.rows == 3


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", b"\xdd\xff\xff\xff\xff", encode([ROW]) + b"x", b"\x81\x01\x02", b"\x2a"]
)
def test_bytes_that_are_no_list_are_refused_without_a_count(payload: bytes) -> None:
    with pytest.raises(MalformedBatch) as caught:
        decode(payload)
    assert caught.value.rows is None


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(MalformedBatch):
        decode(b"\x91\x9a\x01\x02" + b"\xc0" * 7 + b"\x91" * 200_000 + b"\x01")


def test_fewer_than_five_levels_and_unsaid_orders_are_a_book() -> None:
    depth = decode(encode([ROW, (*ROW[:-1], BOOK), (*ROW[:-1], [[], []])])).depth
    assert depth.row.tolist() == [1, 2]
    assert depth.malformed.tolist() == []
    assert depth.levels[0, 0, 0].tolist() == [101.4, 75.0, 2.0]
    assert depth.levels[0, 0, 1, :2].tolist() == [101.35, 150.0]
    assert math.isnan(depth.levels[0, 0, 1, 2])
    assert depth.levels[0, 1, 0].tolist() == [101.6, 300.0, 4.0]
    assert not depth.levels[0, :, 2:].any()
    assert not depth.levels[1].any()


@pytest.mark.parametrize(
    "junk",
    [
        "depth", 7, True, {}, {"buy": [], "sell": []}, [], [[]], [[], [], []], [[], None], [[[1.0, 2.0]], []],
        [[[1.0, 2.0, 3, 4]], []], [[[None, 2.0, 3]], []], [[["1.0", 2.0, 3]], []], [[[1.0, True, 3]], []],
        [[[1.0, 2.0, "3"]], []], [[], [[1.0, 2.0, 3]] * 6], [[1.0, 2.0, 3], []], [b"", b""],
    ],
)  # fmt: skip
def test_a_depth_of_another_form_is_dropped_and_its_tick_stays(junk: object) -> None:
    rows = [(*ROW[:-1], BOOK), (7, *ROW[1:-1], junk), ROW]
    batch = decode(msgspec.msgpack.encode(rows))
    assert (batch.depth.malformed.tolist(), batch.depth.row.tolist()) == ([1], [0])
    assert batch.depth.levels[0, 0, 0].tolist() == [101.4, 75.0, 2.0]
    without = decode(encode([(*row[:-1], None) for row in rows]))
    for name in FIELDS[:-1]:
        np.testing.assert_array_equal(getattr(batch, name), getattr(without, name))


def test_a_nan_in_a_level_arrives_as_it_is() -> None:
    depth = decode(encode([(*ROW[:-1], [[[math.nan, 75, 2]], []])])).depth
    assert math.isnan(depth.levels[0, 0, 0, 0])


def test_batches_that_are_joined_keep_each_tick_s_book() -> None:
    first = decode(encode([ROW, (*ROW[:-1], BOOK)]))
    second = decode(encode([(*ROW[:-1], "junk"), (*ROW[:-1], [[], BOOK[1]])]))
    joined = join([first, decode(encode([])), second])
    assert (joined.depth.row.tolist(), joined.depth.malformed.tolist()) == ([1, 3], [2])
    assert joined.depth.levels[1, 1, 0].tolist() == [101.6, 300.0, 4.0]
    assert books_of(joined) == books_of(first) + books_of(second)


def test_the_wire_form_is_an_array_of_ten_in_the_contract_s_order() -> None:
    wire = msgspec.msgpack.encode([[11, 22, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, [[], []]]])
    batch = decode(wire)
    assert encode([(11, 22, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, [[], []])]) == wire
    assert (batch.token[0], batch.ts[0], batch.last[0], batch.volume[0], batch.oi[0]) == (11, 22, 3, 4, 5)
    assert (batch.bid[0], batch.bid_qty[0], batch.ask[0], batch.ask_qty[0]) == (6, 7, 8, 9)
