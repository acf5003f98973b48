"""Frames in and out: what is accepted, what is refused, and how answers look on the wire."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.protocol import (
    MAX_MESSAGE_CHARACTERS,
    Ack,
    BadFrame,
    BadRequest,
    Close,
    Delta,
    Error,
    Head,
    Heartbeat,
    Ping,
    Snapshot,
    Subscribe,
    Unsubscribe,
    encode,
    parse,
)

HEAD: Head = {
    "channel": "chain",
    "topic": "chain:NIFTY:2026-02-03",
    "epoch": 1_770_000_000_000,
    "seq": 4,
    "ts_event": 5,
    "ts_sent": 6,
    "convention": "exact",
}


def test_a_subscribe_request_keeps_the_channel_s_own_parameters_apart() -> None:
    request, params = parse(
        '{"op":"subscribe","id":1,"channel":"chain","underlying":"NIFTY","expiry":"NWeek+0","levels":10,'
        '"interval_ms":1000,"format":"json"}'
    )
    assert request == Subscribe(channel="chain", id=1, format="json", interval_ms=1000)
    assert params == {"underlying": "NIFTY", "expiry": "NWeek+0", "levels": 10}


def test_the_other_operations() -> None:
    assert parse('{"op":"unsubscribe","id":"b","topic":"t"}')[0] == Unsubscribe(topic="t", id="b")
    assert parse('{"op":"ping"}')[0] == Ping(id=None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        "null",
        '"ping"',
        "{}",
        '{"op":"dance"}',
        '{"op":1}',
        '{"op":"ping"} {"op":"ping"}',
        '{"op":"ping","x":NaN}',
        "[" * 8000,
        '{"a":' * 1600,
        '{"op":"ping","id":"\ud800"}',
        '{"op":"ping","pad":"' + "x" * MAX_MESSAGE_CHARACTERS + '"}',
        None,
    ],
)
def test_what_is_no_request_is_a_bad_frame(text: str | None) -> None:
    with pytest.raises(BadFrame):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"op":"subscribe"}',
        '{"op":"subscribe","channel":1}',
        '{"op":"subscribe","channel":"chain","format":"xml"}',
        '{"op":"subscribe","channel":"chain","interval_ms":249}',
        '{"op":"subscribe","channel":"chain","interval_ms":60001}',
        '{"op":"resume","channel":"chain","topic":"t","epoch":1}',
        '{"op":"unsubscribe"}',
        '{"op":"auth"}',
        '{"op":"ping","id":1.5}',
        '{"op":"ping","id":{}}',
    ],
)
def test_a_field_that_makes_no_sense_is_said_and_not_counted_as_a_bad_frame(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(text)
    assert not isinstance(caught.value, BadFrame)
    assert caught.value.code == "invalid_request"


def test_a_bad_frame_remembers_the_id_it_can_answer_to() -> None:
    with pytest.raises(BadFrame) as caught:
        parse('{"op":"dance","id":7}')
    assert caught.value.request_id == 7
    with pytest.raises(BadFrame) as caught:
        parse('{"op":"dance","id":[7]}')
    assert caught.value.request_id is None


@given(
    text=st.text(max_size=40)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["op", "id", "topic", "channel"]), inner)
        ),
    ).map(json.dumps)
)
def test_any_text_is_a_request_or_a_bad_frame(text: str) -> None:
    try:
        request, _ = parse(text)
    except BadRequest:
        return
    assert json.loads(text)["op"] == type(request).__name__.lower()


def test_data_frames_carry_everything_a_reader_needs() -> None:
    expected = {"v": 1, **HEAD}
    assert json.loads(encode(Snapshot(data={"spot": 1.5}, **HEAD))) == {
        "type": "snapshot",
        **expected,
        "data": {"spot": 1.5},
    }
    assert json.loads(encode(Delta(data={}, prev=1, **HEAD))) == {
        "type": "delta",
        **expected,
        "prev": 1,
        "data": {},
    }


def test_numbers_that_are_none_leave_as_null() -> None:
    frame = json.loads(encode(Delta(data={"iv": float("nan"), "rho": float("inf")}, prev=1, **HEAD)))
    assert frame["data"] == {"iv": None, "rho": None}


def test_answers_and_heartbeats() -> None:
    ack = json.loads(
        encode(Ack(id=3, op="subscribe", ts_sent=9, channel="c", topic="t", echo={"expiry": "2026-02-03"}))
    )
    assert ack == {
        "type": "ack",
        "v": 1,
        "id": 3,
        "op": "subscribe",
        "ts_sent": 9,
        "channel": "c",
        "topic": "t",
        "echo": {"expiry": "2026-02-03"},
    }
    error = json.loads(encode(Error(id=None, code="bad_frame", message="no")))
    assert error == {"type": "error", "v": 1, "id": None, "code": "bad_frame", "message": "no", "topic": None}
    assert json.loads(encode(Heartbeat(count=2, ts_sent=9))) == {
        "type": "heartbeat",
        "v": 1,
        "count": 2,
        "ts_sent": 9,
    }


def test_close_codes_are_those_of_the_documentation() -> None:
    assert {code.name: int(code) for code in Close} == {
        "BAD_FRAMES": 4400,
        "UNAUTHENTICATED": 4401,
        "FORBIDDEN": 4403,
        "TOO_SLOW": 4408,
        "TOO_MANY": 4429,
        "DRAINING": 4503,
    }
