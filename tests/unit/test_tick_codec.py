"""Ticks on the wire: what was sent arrives, what is no batch is refused."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ticker.codec import FIELDS, MalformedBatch, TickBatch, TickRow, decode, encode

NUMBERS = st.none() | st.floats(allow_infinity=False)
INT64 = st.integers(-(2**63), 2**63 - 1)
DEPTHS = st.none() | st.just([[1.5, 75, 2], [1.55, 150, 1]])
ROWS = st.tuples(INT64, INT64, *[NUMBERS] * 7, DEPTHS)

ROW: TickRow = (12345, 1_770_000_000_000, 101.5, 7500.0, None, 101.4, 75.0, 101.6, 150.0, None)


def rows_of(batch: TickBatch) -> list[tuple[object, ...]]:
    """Return the rows of a batch, NaN as None."""
    columns = [getattr(batch, name) for name in FIELDS]
    lists = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns]
    return [tuple(None if value != value else value for value in row) for row in zip(*lists, strict=True)]


@given(rows=st.lists(ROWS, max_size=6))
def test_what_is_encoded_is_decoded(rows: list[TickRow]) -> None:
    batch = decode(encode(rows))
    sent = [tuple(None if value != value else value for value in row) for row in rows]
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
    assert [len(getattr(batch, name)) for name in FIELDS] == [0] * len(FIELDS)


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


def test_depth_is_kept_as_it_came() -> None:
    depth = {"buy": [[101.4, 75, 2]], "sell": []}
    assert decode(encode([(*ROW[:-1], depth), ROW])).depth == [depth, None]


def test_the_wire_form_is_an_array_of_ten_in_the_contract_s_order() -> None:
    wire = msgspec.msgpack.encode([[11, 22, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, "depth"]])
    batch = decode(wire)
    assert encode([(11, 22, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, "depth")]) == wire
    assert (batch.token[0], batch.ts[0], batch.last[0], batch.volume[0], batch.oi[0]) == (11, 22, 3, 4, 5)
    assert (batch.bid[0], batch.bid_qty[0], batch.ask[0], batch.ask_qty[0]) == (6, 7, 8, 9)
