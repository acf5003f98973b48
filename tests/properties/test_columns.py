"""The format `columns` loses nothing, is never longer than MessagePack, and is read alike by whoever reads it."""

import json
from datetime import date
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.moving_chain import moving_chain
from fo_analytics.domain.document import within_levels
from streaming.domain.columns import MIN_ROWS, pack
from streaming.domain.sequencing import Document, apply, diff
from streaming.protocol import Delta, Head, encode_as
from tests.properties.test_packing import markets, view
from tests.websocket import by_the_book
from tradingviz_client import frames
from tradingviz_client.columns import unpack

DAY_MS = 86_400_000
BEGAN_MS = 1_795_368_128_000
HEAD: Head = {
    "channel": "c", "topic": "t", "epoch": 1, "seq": 2, "ts_event": 3, "ts_sent": 4, "convention": "exact",
}  # fmt: skip
# Few keys, so that rows often share them; "-" as in patches, and paths that end where others go on.
KEYS = st.sampled_from(["-", "a", "b", "call", "25000", ""]) | st.text(max_size=2)
INTEGERS = st.integers(-(2**63), 2**64 - 1) | st.integers(-3, 300) | st.sampled_from([-(2**63), 2**63 - 1, 2**63])
FLOATS = (
    st.floats(allow_nan=False)
    | st.integers(-(10**6), 10**6).map(lambda number: number / 100)
    | st.integers(-(10**6), 10**6).map(lambda number: number * 0.05)  # 121.30000000000001
    | st.sampled_from([0.0, -0.0, 1e308, -5e-324, 2.0**53, 90071992547409.91, 25_000.0])
)
LEAVES = st.none() | st.booleans() | INTEGERS | FLOATS | st.text(max_size=4)
LISTS = st.lists(LEAVES | st.dictionaries(KEYS, LEAVES, max_size=2), max_size=3)
ROWS = st.fixed_dictionaries({}, optional={"x": FLOATS, "n": INTEGERS, "part": st.fixed_dictionaries({"y": FLOATS})})
VALUES = st.recursive(LEAVES | LISTS, lambda inner: st.dictionaries(KEYS, inner, max_size=6), max_leaves=40)
DOCUMENTS = st.dictionaries(KEYS, VALUES | st.dictionaries(st.text(max_size=3), ROWS, max_size=20), max_size=4)


def exact(value: Any) -> str:
    """Tell 1, 1.0, true, 0.0 and -0.0 apart."""
    return json.dumps(value, sort_keys=True)


def by_the_client(message: bytes) -> Any:
    """Return what the Python client understands."""
    return msgspec.msgpack.decode(message, ext_hook=unpack)


@cache
def moving() -> list[Document]:
    """Return a chain of 20 strikes on each side of the money, second by second."""
    chains = islice(moving_chain(date(2026, 11, 26), BEGAN_MS, BEGAN_MS + 3 * DAY_MS), 12)
    return [within_levels(chain.document(), 20) for chain in chains]


@pytest.mark.parametrize("read", [by_the_book.decode, by_the_client])
@settings(max_examples=100, deadline=None)
@given(document=DOCUMENTS)
@example({"rows": {"a": {"x": 1.0}, "b": {"x": 1}, "c": {"x": True}, "d": {"x": {"y": 1}}, "e": {"x": {}}}})
@example({"rows": {"-": ["z"], "a": {"x": -0.0, "y": 0.0}, "b": {"x": 0.0, "y": -0.0}, "c": {}, "d": None}})
@example({"rows": {str(n): {"big": 2**63 + n, "least": -(2**63) + n, "wide": (-1) ** n * 2**62} for n in range(40)}})
@example({"rows": {str(n): {"x": float("inf") if n else -float("inf")} for n in range(40)}})
def test_what_was_packed_is_read_as_it_was(read: Any, document: Document) -> None:
    message = encode_as("columns", document)
    assert exact(read(message)) == exact(document)
    assert len(message) <= len(encode_as("msgpack", document))


@settings(max_examples=60, deadline=None)
@given(markets(), markets())
def test_a_chain_and_the_patch_to_another_come_through(old: Any, new: Any) -> None:
    documents = view(old).document(), view(new).document()
    for sent in (*documents, diff(*documents)):
        message = encode_as("columns", sent)
        assert exact(by_the_book.decode(message)) == exact(by_the_client(message)) == exact(sent)


def test_of_a_moving_chain_every_snapshot_and_patch_comes_through_and_is_a_table() -> None:
    held = by_the_book.decode(encode_as("columns", moving()[0]))
    for before, after in pairwise(moving()):
        patch = diff(before, after)
        assert isinstance(pack(patch)["strikes"], msgspec.msgpack.Ext)
        held = apply(held, by_the_client(encode_as("columns", patch)))
        assert exact(held) == exact(after) == exact(by_the_client(encode_as("columns", after)))


def test_deltas_of_a_moving_chain_are_less_than_fifteen_hundredths_of_whole_documents() -> None:
    whole = np.mean([len(encode_as("json", document)) for document in moving()])
    deltas = np.mean([len(encode_as("columns", diff(*pair))) for pair in pairwise(moving())])
    assert deltas / whole < 0.15


def test_rows_keep_their_order_and_a_mapping_of_few_rows_stays_as_it_is() -> None:
    rows: Document = {f"{n * 7 % 40}": {"strike": n * 50.0, "oi": n * 65} for n in range(40)}
    assert list(by_the_client(encode_as("columns", {"strikes": rows}))["strikes"]) == list(rows)
    few: Document = {"head": {"a": {"x": 1}}, "strikes": {"a": {"x": 1}, "b": {"y": 2}}}
    assert len(few["strikes"]) == MIN_ROWS
    assert encode_as("columns", few) == encode_as("msgpack", few)


def test_columns_of_the_same_values_are_sent_once() -> None:
    rows = {str(n): {"call": {"gamma": n / 7, "rho": n / 9}, "put": {"gamma": n / 7}} for n in range(9)}
    _, columns, _ = msgspec.msgpack.decode(pack({"strikes": rows})["strikes"].data)
    assert [column[-1] for column in columns if column[:-1] == ["put", "gamma"]] == [0]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_table_is_refused_or_read_but_never_breaks_the_client(data: st.DataObject) -> None:
    rows = {str(n): {"x": n / 3, "y": n, "z": {"w": None}} for n in range(9)}
    message = bytearray(encode_as("columns", Delta(data={"rows": rows}, prev=1, **HEAD)))
    assert isinstance(frames.decode(bytes(message)), frames.Delta)
    for place in data.draw(st.lists(st.integers(0, len(message) - 1), min_size=1, max_size=4)):
        message[place] = data.draw(st.integers(0, 255))
    frames.decode(bytes(message))  # a frame or None: no error


def test_an_extension_or_a_table_that_nobody_knows_is_passed_over() -> None:
    table = msgspec.msgpack.encode([["a", "b"], [["x", [None, -1, 0, b"123"]]], {}])
    for extension in (msgspec.msgpack.Ext(2, b""), msgspec.msgpack.Ext(1, b""), msgspec.msgpack.Ext(1, table)):
        assert frames.decode(encode_as("columns", Delta(data={"rows": extension}, prev=1, **HEAD))) is None


def test_the_example_in_the_documentation_is_what_is_sent() -> None:
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    chapter = text.partition("### Columns")[2].partition("### Error codes")[0]
    _, patch, _, message, *_ = chapter.split("```")
    document, written = json.loads(patch.removeprefix("json")), bytes.fromhex(message)
    assert encode_as("columns", document) == written
    assert by_the_client(written) == by_the_book.decode(written) == document
    assert f"takes {len(encode_as('msgpack', document))} bytes in `msgpack` and these {len(written)}" in chapter
