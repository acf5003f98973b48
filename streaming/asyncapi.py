"""The sockets in machine form: an AsyncAPI 3.0 document, made of the structs of streaming.protocol. Pure.

What a channel takes and what its documents look like is told by whoever offers it.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args

import msgspec

from streaming import protocol
from streaming.domain import columns

Schema = dict[str, Any]

SOCKET = "stream"
ADDRESS = "/ws/fo/stream"
JSON, MSGPACK = "application/json", "application/msgpack"
_SCHEMAS, _MESSAGES = "#/components/schemas/", "#/components/messages/"

ABOUT = f"""One socket, any number of channels (at most {protocol.MAX_SUBSCRIPTIONS} subscriptions).

Requests are JSON texts. Frames are JSON texts, too; the data frames of a subscription with `"format": "msgpack"` or
`"columns"` are binary. In those of `"columns"` the extension type {columns.TABLE} stands for a mapping of rows
(docs/protocol.md, "Columns"); decoded, they are as described here.

Times are ms since the Unix epoch. A delta is a patch to the document of `prev` of the same epoch: a dict
patches the dict below its key, anything else replaces the value, and the key "-" lists the keys that vanished. The
server sends a heartbeat every {protocol.HEARTBEAT_SECONDS:g} seconds and takes
{protocol.MAX_MESSAGES_PER_SECOND} messages a second.

Close codes: {", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in protocol.Close)}."""


@dataclass(frozen=True, slots=True)
class ChannelShape:
    """What may be asked of a channel (a struct of its parameters) and the JSON schema of its documents."""

    summary: str
    parameters: type[msgspec.Struct]
    document: Schema


def whole_object(properties: dict[str, Any]) -> Schema:
    """Return the schema of an object of which nothing may be absent."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def describe(channels: Mapping[str, ChannelShape], *, version: str, host: str, secure: bool) -> Schema:
    """Return the document of a server at `host` that offers some channels."""
    requests, frames = _kinds(protocol.Request), _kinds(protocol.Frame)
    schemas = _schemas([*requests.values(), *frames.values()]) | _channel_schemas(channels)
    received = {name: _message(kind) for name, kind in requests.items()}
    sent = {name: _message(kind) for name, kind in frames.items()}
    for name, wire in product(("snapshot", "delta"), ("msgpack", "columns")):
        sent[f"{name}_{wire}"] = {**sent[name], "name": f"{name}_{wire}", "contentType": MSGPACK}
    for channel, shape in channels.items():
        received |= {f"{op}_{channel}": _channel_message(op, channel, shape.summary) for op in ("subscribe", "resume")}
        sent[f"snapshot_{channel}"] = _channel_message("snapshot", channel, shape.summary)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "tradingviz sockets", "version": version, "description": ABOUT},
        "defaultContentType": JSON,
        "servers": {"this": {"host": host, "protocol": "wss" if secure else "ws", "security": _SECURITY}},
        "channels": {SOCKET: _socket([*received, *sent])},
        "operations": {"take": _operation("receive", received), "tell": _operation("send", sent)},
        "components": {"messages": received | sent, "schemas": schemas, "securitySchemes": _SCHEMES},
    }


_SCHEMES: Schema = {
    "header": {
        "type": "http",
        "scheme": "bearer",
        "description": "Authorization: an access token or an API key; a browser sends the subprotocol bearer.<token>",
    },
    "token": {"type": "httpApiKey", "in": "query", "name": "token", "description": "an access token"},
    "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket", "description": "of POST /auth/ws-ticket"},
}
_SECURITY = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SCHEMES]


def _kinds(union: Any) -> dict[str, type[msgspec.Struct]]:
    """Return the structs of a union by their tags."""
    return {str(kind.__struct_config__.tag): kind for kind in get_args(union)}


def _schemas(kinds: Iterable[type[msgspec.Struct]]) -> Schema:
    _, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS + "{name}")
    return components


def _channel_schemas(channels: Mapping[str, ChannelShape]) -> Schema:
    """Return what is special about each channel's requests and snapshots."""
    found: Schema = _schemas(shape.parameters for shape in channels.values())
    for channel, shape in channels.items():
        named = {"properties": {"channel": {"const": channel}}}
        parameters = {"$ref": _SCHEMAS + shape.parameters.__name__}
        for op in ("subscribe", "resume"):
            found[f"{op}_{channel}"] = {"allOf": [{"$ref": _SCHEMAS + op.title()}, parameters, named]}
        held = {"properties": {"channel": {"const": channel}, "data": shape.document}}
        found[f"snapshot_{channel}"] = {"allOf": [{"$ref": f"{_SCHEMAS}Snapshot"}, held]}
    return found


def _message(kind: type[msgspec.Struct]) -> Schema:
    name, summary = str(kind.__struct_config__.tag), inspect.getdoc(kind) or ""
    payload = {"$ref": _SCHEMAS + kind.__name__}
    return {"name": name, "summary": summary.partition("\n")[0], "description": summary, "payload": payload}


def _channel_message(op: str, channel: str, summary: str) -> Schema:
    name = f"{op}_{channel}"
    return {"name": name, "summary": f"{op} {channel}: {summary}", "payload": {"$ref": _SCHEMAS + name}}


def _socket(messages: Iterable[str]) -> Schema:
    return {
        "address": ADDRESS,
        "messages": {name: {"$ref": _MESSAGES + name} for name in messages},
        "bindings": {"ws": {"method": "GET"}},
    }


def _operation(action: str, messages: Iterable[str]) -> Schema:
    place = f"#/channels/{SOCKET}"
    return {
        "action": action,
        "channel": {"$ref": place},
        "messages": [{"$ref": f"{place}/messages/{name}"} for name in messages],
    }
