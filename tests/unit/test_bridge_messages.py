"""Messages of the earlier ticker service: what is read, what is refused, and that nothing else can happen."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ticker.bridge import BridgedTick, MalformedMessage, parse
from streaming.ticker.codec import decode, encode

TEN = int(datetime(2026, 2, 2, 4, 30, tzinfo=UTC).timestamp() * 1000)
OPTIONS, UNDERLYING = b"ticker:nifty:options", b"ticker:nifty:underlying"
DEPTH = {
    "buy": [{"price": 99.9, "quantity": 130, "orders": 2}, {"price": 99.95, "quantity": 65, "orders": 1}],
    "sell": [{"price": 100.1, "quantity": 195, "orders": 3}, {"price": 0, "quantity": 0, "orders": 0}],
}
OPTION: dict[str, Any] = {
    "symbol": "NIFTY", "token": 12345, "tradingsymbol": "NIFTY26FEB25000CE", "strike": 25000, "expiry": "2026-02-24",
    "type": "CE", "price": 100.0, "volume": 6500, "oi": 65000, "ts": TEN // 1000, "depth": DEPTH,
}  # fmt: skip


def option(**changes: Any) -> BridgedTick:
    """Read the option's message with some fields changed."""
    return parse(OPTIONS, json.dumps({**OPTION, **changes}).encode())


def without(*names: str) -> bytes:
    """Return the option's message without some fields."""
    return json.dumps({name: value for name, value in OPTION.items() if name not in names}).encode()


def test_an_options_message_is_a_contract_and_a_tick() -> None:
    tick = option()
    assert tick == BridgedTick(
        "NIFTY", "CE", 12345, date(2026, 2, 24), 25000.0, TEN, 100.0, 6500.0, 65000.0, 99.95, 65.0, 100.1, 195.0,
        ([(99.95, 65.0, 1.0), (99.9, 130.0, 2.0)], [(100.1, 195.0, 3.0)]),
    )  # fmt: skip
    batch = decode(encode([tick.row(7)]))
    assert (batch.token[0], batch.ts[0], batch.last[0], batch.ask_qty[0]) == (7, TEN, 100.0, 195.0)
    assert batch.depth.levels[0, 0, :3].tolist() == [[99.95, 65.0, 1.0], [99.9, 130.0, 2.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", ["close", "price", "last_price"])
@pytest.mark.parametrize("stamp", ["ts", "timestamp"])
def test_an_underlyings_message_is_its_price_without_the_volume(name: str, stamp: str) -> None:
    tick = parse(UNDERLYING, json.dumps({"symbol": "NIFTY", name: "25,000.5", stamp: TEN, "volume": 9}).encode())
    assert tick == BridgedTick("NIFTY", "SPOT", None, None, None, TEN, 25000.5)


@pytest.mark.parametrize(
    "ts",
    [
        TEN, str(TEN), TEN / 1000, TEN // 1000, str(TEN // 1000), TEN * 1000, TEN * 1_000_000, "2026-02-02T10:00:00",
        "2026-02-02 10:00:00.000", "2026-02-02T10:00:00+05:30", "2026-02-02T04:30:00Z",
    ],
)  # fmt: skip
def test_a_stamp_may_be_a_number_or_text_and_is_indian_without_an_offset(ts: object) -> None:
    assert option(ts=ts).ts == TEN


@pytest.mark.parametrize(
    "expiry", ["2026-02-24", "2026-02-24T15:30:00", "24FEB26", "24-Feb-2026", "24feb2026", " 24 Feb 2026 "]
)
def test_an_expiry_may_be_written_in_the_usual_ways(expiry: str) -> None:
    assert option(expiry=expiry).expiry == date(2026, 2, 24)


@pytest.mark.parametrize(("word", "kind"), [("CALL", "CE"), ("c", "CE"), ("pe", "PE"), ("Put", "PE"), ("P", "PE")])
def test_the_side_may_be_written_in_the_usual_ways(word: str, kind: str) -> None:
    assert option(type=word).kind == kind


def test_numbers_may_come_as_text() -> None:
    changes = {name: str(OPTION[name]) for name in ("token", "strike", "price", "volume", "oi")}
    assert option(**changes) == option()


@pytest.mark.parametrize("depth", [None, {}])
def test_what_is_not_said_is_none(depth: object) -> None:
    tick = parse(OPTIONS, without("price", "volume", "oi", "token", "depth"))
    assert (tick.last, tick.volume, tick.oi, tick.token) == (None,) * 4
    tick = option(depth=depth)
    assert (tick.bid, tick.bid_qty, tick.ask, tick.ask_qty) == (None,) * 4


def test_an_empty_side_of_the_book_is_zero() -> None:
    tick = option(depth={"buy": [{"price": 0, "quantity": 0}], "sell": []})
    assert (tick.bid, tick.bid_qty, tick.ask, tick.ask_qty, tick.depth) == (0.0, 0.0, 0.0, 0.0, ([], []))


def test_five_levels_a_side_pass_the_best_of_them_first() -> None:
    bids = [{"price": 90 + n, "quantity": 65 * n, "orders": n} for n in (3, 1, 6, 2, 5, 4)]
    asks = [[str(100 + n), 65, n] for n in (2, 1)] + [[99.0, 0, 0], [103.5, 65]]
    tick = option(depth={"bids": bids, "asks": asks})
    assert tick.depth == (
        [(96.0, 390.0, 6.0), (95.0, 325.0, 5.0), (94.0, 260.0, 4.0), (93.0, 195.0, 3.0), (92.0, 130.0, 2.0)],
        [(101.0, 65.0, 1.0), (102.0, 65.0, 2.0), (103.5, 65.0, None)],
    )
    assert (tick.bid, tick.bid_qty, tick.ask, tick.ask_qty) == (96.0, 390.0, 101.0, 65.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": {"bids": DEPTH["buy"], "asks": DEPTH["sell"]}},
        {"depth": {"bids": [[99.95, 65, 1]], "asks": [["100.1", "195"]]}},
        {"depth": None, "bid": 99.95, "bid_qty": 65, "ask": 100.1, "ask_qty": 195},
    ],
)
def test_quotes_may_come_in_other_shapes(changes: dict[str, Any]) -> None:
    tick = option(**changes)
    assert (tick.bid, tick.bid_qty, tick.ask, tick.ask_qty) == (99.95, 65.0, 100.1, 195.0)


@pytest.mark.parametrize("symbol", [None, "", OPTION["tradingsymbol"]])
def test_the_channel_names_the_underlying_where_the_message_does_not(symbol: object) -> None:
    assert option(symbol=symbol).underlying == "nifty"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("type", {"type": "FUT"}), ("type", {"type": None}), ("strike", {"strike": 0}), ("strike", {"strike": "ATM"}),
        ("strike", {"strike": True}), ("expiry", {"expiry": "24FOO26"}), ("expiry", {"expiry": "31-FEB-2026"}),
        ("expiry", {"expiry": 20260224}), ("ts", {"ts": None}), ("ts", {"ts": "soon"}), ("ts", {"ts": 5}),
        ("ts", {"ts": "2026-02-02"}), ("price", {"price": "dear"}), ("price", {"price": [1]}), ("oi", {"oi": "nan"}),
        ("volume", {"volume": 10**400}), ("depth", {"depth": [1]}), ("depth", {"depth": {"buy": [7]}}),
        ("depth", {"depth": {"buy": [[1, 2, "few"]]}}),
        ("symbol", {"symbol": 7}), ("symbol", {"symbol": "N" * 99}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_its_kind(kind: str, changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage) as refused:
        option(**changes)
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("kind", "channel", "payload"),
    [
        ("json", OPTIONS, b"{"), ("json", OPTIONS, b"\xff\xfe"), ("json", OPTIONS, b"[" * 100_000),
        ("object", OPTIONS, b"[1]"), ("price", UNDERLYING, b'{"symbol": "NIFTY", "ts": 1770000000}'),
        ("channel", b"ticker:nifty:futures", b"{}"), ("channel", b"ticker:\xff\xff:options:x", b"{}"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_by_its_kind(kind: str, channel: bytes, payload: bytes) -> None:
    with pytest.raises(MalformedMessage) as refused:
        parse(channel, payload)
    assert refused.value.kind == kind


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(
    ["CE", "24FEB26", "2026-02-24", "1e400", "-0", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "Infinity", "1_0"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["buy", "price", "bids"]), inner),
    max_leaves=8,
)


@given(channel=st.sampled_from([OPTIONS, UNDERLYING]), changes=st.dictionaries(st.sampled_from([*OPTION]), VALUES))
def test_whatever_the_fields_hold_it_is_a_tick_that_can_be_sent_or_a_refusal(
    channel: bytes, changes: dict[str, Any]
) -> None:
    try:
        tick = parse(channel, json.dumps({**OPTION, **changes}).encode())
    except MalformedMessage:
        return
    assert len(decode(encode([tick.row(1)]))) == 1


@given(channel=st.binary(max_size=40), payload=st.binary(max_size=60))
def test_whatever_the_bytes_are_nothing_but_a_refusal_is_raised(channel: bytes, payload: bytes) -> None:
    for name in (channel, OPTIONS, UNDERLYING):
        with pytest.raises(MalformedMessage):
            parse(name, payload)
