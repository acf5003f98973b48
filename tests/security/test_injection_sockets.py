"""Whatever stands in a field of a socket's message: an error frame, the socket stays, and nothing is broken.

The fields come from the protocol and from the channels.
"""

import json
import time
from typing import Any

import msgspec
import pytest
from django.apps import apps
from pytest_django.fixtures import Settings

from fo_analytics.channels import NAMES
from streaming import protocol, session
from tests.security.injections import INJECTIONS, SHAPES, SLEEP_S
from tests.security.people import People
from tests.security.sockets import Knock, Told, ask_socket

Json = dict[str, Any]
CHAIN: Json = {"op": "subscribe", "id": 1, "channel": "chain", "underlying": "NIFTY"}
WHOLE: dict[type, Json] = {
    protocol.Subscribe: CHAIN,
    protocol.Resume: CHAIN | {"op": "resume", "topic": "chain:NIFTY:2026-08-11", "epoch": 1, "seq": 1},
    protocol.Unsubscribe: {"op": "unsubscribe", "id": 1, "topic": "chain:NIFTY:2026-08-11"},
    protocol.Auth: {"op": "auth", "id": 1, "token": "junk"},
    protocol.Ping: {"op": "ping", "id": 1},
}
# Of these any text may be an answer's: it is repeated as it came, in JSON.
ECHOED = {"id"}
CODES = {"bad_frame", "invalid_request", "invalid_parameter", "unknown_channel", "not_available", "not_subscribed",
         "unauthenticated"}  # fmt: skip
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_market", "roomy")]


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """One socket may try everything."""
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    monkeypatch.setattr(session, "MAX_MESSAGES_PER_SECOND", 1_000_000)
    monkeypatch.setattr(session, "MAX_BAD_FRAMES", 1_000_000)


def messages(value: object) -> list[tuple[str, str, str]]:
    """Return an operation, a field and a message with a value in it, for every field of every operation."""
    found = []
    for kind, whole in WHOLE.items():
        fields = {"op", *(one.encode_name for one in msgspec.structs.fields(kind))}
        fields |= NAMES | {"expiry", "levels", "more"} if issubclass(kind, protocol.Subscribe) else set()
        for name in sorted(fields):
            beside = {key: one for key, one in whole.items() if (key, name) != ("underlying", "symbol")}
            found.append((whole["op"], name, json.dumps(beside | {name: value})))
    return found


def test_every_operation_of_the_protocol_is_tried() -> None:
    assert set(WHOLE) == set(protocol.Request.__args__)


@pytest.mark.parametrize("name", [*INJECTIONS, *SHAPES])
async def test_no_field_of_a_message_takes_it(people: People, name: str) -> None:
    asked = messages((INJECTIONS | SHAPES)[name])
    began = time.perf_counter()
    told = await ask_socket(
        Knock(query=f"?token={people['stranger'].token}"), *(text for _, _, text in asked), {"op": "ping", "id": "end"}
    )
    assert time.perf_counter() - began < SLEEP_S
    assert told.closed is None
    assert faults(asked, told) == {}
    assert told.frames[-1] | {"ts_sent": 0} == told.frames[-1] | {"type": "ack", "id": "end", "ts_sent": 0}


def faults(asked: list[tuple[str, str, str]], told: Told) -> dict[tuple[str, str], Json]:
    """Return what is wrong with the answers, by operation and field."""
    wrong = {}
    answers = [frame for frame in told.frames if frame["type"] in ("ack", "error")]
    assert len(answers) == len(asked) + 1
    for (operation, name, text), frame in zip(asked, answers, strict=False):
        may_be_right = name in ECHOED or _takes(operation, name, text)
        if frame["type"] == "error" and frame["code"] not in CODES:
            wrong[operation, name] = frame
        if frame["type"] == "ack" and not may_be_right:
            wrong[operation, name] = frame
    return wrong


def _takes(operation: str, name: str, text: str) -> bool:
    """Return whether a value is right after all: null for what may be absent, a number for one, any topic to resume."""
    value = json.loads(text)[name]
    if isinstance(value, str):
        return (operation, name) == ("resume", "topic")
    number = type(value) is int and name in (("levels", "epoch", "seq") if value == 7 else ("epoch", "seq"))
    return number or (value is None and name in ("interval_ms", "expiry"))


def test_the_tables_are_all_there_after_it() -> None:
    assert all(model._default_manager.count() >= 0 for model in apps.get_models())
