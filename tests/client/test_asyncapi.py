"""/asyncapi.json against what goes over real sockets."""

import asyncio
import json
from functools import cache
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient
from websockets.asyncio.client import ClientConnection, connect

from accounts.models import User
from streaming import protocol, topics
from streaming.outbox import message_of
from streaming.publisher import Publisher
from tests.api.market import LAST, close_market, feed, open_market, snapshot
from tests.client.application import MARKET_CHANNEL, market
from tests.client.conftest import Process
from tests.client.following import PATIENCE
from tests.rig.cast import access_token
from tests.websocket import by_the_book
from tests.websocket.application import CHANNEL, OTHER_CHANNEL
from tests.websocket.server import serve
from tests.websocket.test_same_numbers import in_a_thread
from tradingviz.asyncapi import CHANNELS

TOPIC = "numbers:a"
ROWS = {str(n): {"price": n / 3, "stamps": {"quote": 10**12 + n}} for n in range(20)}
SAID = [kind.__struct_config__.tag for kind in protocol.Frame.__args__]
Json = dict[str, Any]


@cache
def document() -> Json:
    """Return the document as it is served."""
    answer = APIClient().get("/asyncapi.json", headers={"host": "localhost:8081"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    found: Json = json.loads(answer.content)
    return found


def faults(message: str, value: object) -> list[str]:
    """Return what is wrong with a message, by the document."""
    payload = document()["components"]["messages"][message]["payload"]
    checker = Draft202012Validator({"components": document()["components"], **payload})
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def fields(message: str) -> set[str]:
    """Return every field a message may have."""
    name = document()["components"]["messages"][message]["payload"]["$ref"].rpartition("/")[2]
    return set(document()["components"]["schemas"][name]["properties"])


def assert_described(frame: Json) -> None:
    """Fail where a frame is not what the document says, or has a field that it does not tell of."""
    assert faults(frame["type"], frame) == []
    assert set(frame) <= fields(frame["type"])


def references(part: Any) -> set[str]:
    """Return every `$ref` below a part of the document."""
    if isinstance(part, dict):
        here = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return here.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def resolved(reference: str) -> Any:
    """Return what a reference points at; KeyError where nothing is there."""
    found: Any = document()
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_the_document_is_of_version_3_and_names_the_server_that_was_asked() -> None:
    assert document()["asyncapi"] == "3.0.0"
    assert document()["servers"]["this"] | {"security": []} == {
        "host": "localhost:8081", "protocol": "ws", "security": []
    }  # fmt: skip
    assert document()["channels"]["stream"]["address"] == "/ws/fo/stream"


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    found = references(document())
    assert len(found) > 30
    assert all(resolved(reference) for reference in found)
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_request_and_every_frame_of_the_protocol_is_in_it() -> None:
    operations = document()["operations"]
    named = {
        name: {message["$ref"].rpartition("/")[2] for message in operations[name]["messages"]} for name in operations
    }
    assert named["take"] >= protocol.OPERATIONS
    assert named["tell"] >= set(SAID) | {"snapshot_msgpack", "delta_msgpack", "snapshot_columns", "delta_columns"}
    assert not named["take"] & named["tell"]
    assert named["take"] | named["tell"] == set(document()["components"]["messages"])


def test_every_channel_of_the_product_is_described() -> None:
    assert set(CHANNELS) == set(topics._handlers) - {CHANNEL, OTHER_CHANNEL, MARKET_CHANNEL}


@pytest.mark.usefixtures("silence")
async def test_every_frame_of_a_real_socket_is_as_described(process: Process, publisher: Publisher) -> None:
    """Of both servers, in every format."""
    wires = get_args(protocol.Format)
    for frames in await asyncio.gather(*(recorded(process.url, "brief", publisher, wire) for wire in wires)):
        assert {frame["type"] for frame in frames} >= {
            "ack",
            "error",
            "snapshot",
            "delta",
            "heartbeat",
            "token_expiring",
        }
        for frame in frames:
            assert_described(frame)


async def recorded(url: str, token: str, publisher: Publisher, wire: str) -> list[Json]:
    """Return the frames of a socket, about a topic of its own, from its opening until each kind has come."""
    topic, whole = f"numbers:{wire}", {"n": 0, "x": None, "list": [1, {"a": 1.5}], "rows": ROWS}
    publisher.publish(topic, whole, ts_event=1, convention="exact")
    frames: list[Json] = []
    async with connect(f"{url}/ws/fo/stream", additional_headers={"Authorization": f"Bearer {token}"}) as socket:
        for request in (
            {"op": "subscribe", "id": 1, "channel": CHANNEL, "name": wire, "format": wire, "interval_ms": 250},
            {"op": "subscribe", "id": "no", "channel": "nothing"},
            {"op": "auth", "id": 2, "token": "guest"},
            {"op": "ping", "id": None},
        ):
            await socket.send(json.dumps(request))
        async with asyncio.timeout(PATIENCE):
            while not {"delta", "heartbeat"} <= {frame["type"] for frame in frames}:
                frames.append(read(await socket.recv()))
                if frames[-1]["type"] == "snapshot":
                    publisher.publish(topic, {"n": wire}, ts_event=2, convention="exact")
            request = {"op": "resume", "id": 3, "channel": CHANNEL, "name": wire, "topic": topic, "epoch": 1, "seq": 1}
            await socket.send(json.dumps(request))
            while frames[-1]["type"] != "snapshot":
                frames.append(read(await socket.recv()))
            await socket.send(json.dumps({"op": "unsubscribe", "id": 4, "topic": topic}))
            frames.append(read(await socket.recv()))
    return frames


def read(message: str | bytes) -> Json:
    """Return a frame of any format."""
    found: Json = json.loads(message) if isinstance(message, str) else by_the_book.decode(message)
    return found


@pytest.mark.usefixtures("silence")
async def test_what_is_said_of_a_silent_market_is_as_described(server: str, publisher: Publisher) -> None:
    publisher.publish(TOPIC, {"n": 0}, ts_event=1, convention="exact")
    header = {"Authorization": "Bearer guest"}
    said: list[Json] = []
    async with connect(f"{server}/ws/fo/stream", additional_headers=header) as socket, asyncio.timeout(PATIENCE):
        await socket.send(json.dumps({"op": "subscribe", "id": 1, "channel": MARKET_CHANNEL, "name": "a"}))
        market.reason = "feed_silent"
        while not said or said[-1]["type"] != "recovered":
            said.append(read(await socket.recv()))
            if said[-1]["type"] == "stale":
                market.reason = None
    assert [frame["type"] for frame in said if frame["type"] != "heartbeat"] == [
        "ack",
        "snapshot",
        "stale",
        "recovered",
    ]
    for frame in said:
        assert_described(frame)


def test_frames_that_are_rare_are_as_described() -> None:
    for frame in (
        protocol.Draining(retry_after=2.5, ts_sent=1),
        protocol.Stale(topic="t", reason="illiquid", ts_event=None, ts_sent=1),
    ):
        for wire in get_args(protocol.Format):
            assert_described(read(message_of(frame, wire).get("text") or message_of(frame, wire)["bytes"]))


@pytest.mark.parametrize("kind", SAID)
def test_a_frame_that_lacks_a_field_or_has_it_of_another_kind_is_found_out(kind: str) -> None:
    schema = document()["components"]["schemas"][
        resolved(f"#/components/messages/{kind}/payload/$ref").rpartition("/")[2]
    ]
    assert set(schema["required"]) > {"type"}
    assert len(faults(kind, {"type": kind})) == len(schema["required"]) - 1
    assert faults(kind, {"type": "another"}) != []


@pytest.mark.usefixtures("transactional_db", "redis_url")
async def test_a_real_chain_is_as_described(owner: User) -> None:
    from tradingviz.asgi import application

    await asyncio.to_thread(in_a_thread, open_market)
    header = {"Authorization": f"Bearer {access_token(owner)}"}
    try:
        async with (
            serve(application) as url,
            asyncio.timeout(30),
            connect(f"{url}/ws/fo/stream", additional_headers=header) as socket,
        ):
            for step, wire in enumerate(get_args(protocol.Format)):
                whole = await whole_chain(socket, wire)
                assert faults("snapshot_chain", whole) == faults("snapshot", whole) == []
                assert len(whole["data"]["strikes"]) == 11
                await asyncio.to_thread(in_a_thread, feed, [snapshot(LAST + 1000 * (step + 1))])
                assert_described(read(await socket.recv()))
    finally:
        await asyncio.to_thread(in_a_thread, close_market)
    whole["data"]["strikes"]["25000"]["call"]["delta"] = "0.5"
    [fault] = faults("snapshot_chain", whole)
    assert "call.delta: '0.5' is not of type 'number', 'null'" in fault


async def whole_chain(socket: ClientConnection, wire: str) -> Json:
    """Ask for a chain as the document says and return its first frame."""
    asked = {"op": "subscribe", "id": 1, "channel": "chain", "underlying": "NIFTY", "levels": 5, "format": wire}
    assert faults("subscribe_chain", asked) == faults("subscribe", asked) == []
    await socket.send(json.dumps(asked))
    assert read(await socket.recv())["type"] == "ack"
    return read(await socket.recv())


@pytest.mark.parametrize(
    "wrong", [{"levels": 501}, {"levels": -1}, {"expiry": 5}, {"interval_ms": 249}, {"format": "xml"}]
)
def test_requests_that_a_server_refuses_are_told_apart(wrong: Json) -> None:
    request = {"op": "subscribe", "channel": "chain", "underlying": "NIFTY"}
    assert faults("subscribe_chain", request) == []
    assert faults("subscribe_chain", request | wrong) != []
    assert faults("subscribe_chain", request | {"channel": "other"}) != []
