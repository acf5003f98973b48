"""What comes over the socket (docs/protocol.md, version 1), and the patches in it. Times are ms UTC."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tradingviz_client.columns import unpack

Document = dict[str, Any]
Format = Literal["json", "msgpack", "columns"]
RequestId = int | str | None


class Ack(msgspec.Struct, tag_field="type", tag="ack", frozen=True):
    """The request `id` was carried out."""

    id: RequestId
    op: str
    topic: str | None = None
    echo: Document = {}


class Error(msgspec.Struct, tag_field="type", tag="error", frozen=True):
    """The request `id` was not; with a `topic`: that subscription has ended."""

    id: RequestId
    code: str
    message: str
    topic: str | None = None


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    channel: str
    topic: str
    epoch: int
    seq: int
    ts_event: int
    ts_sent: int
    convention: str
    data: Document


class Snapshot(_Data, tag_field="type", tag="snapshot", frozen=True, kw_only=True):
    """A whole document."""


class Delta(_Data, tag_field="type", tag="delta", frozen=True, kw_only=True):
    """A patch to the document of `prev` of the same epoch."""

    prev: int


class Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", frozen=True):
    """The server is alive."""

    count: int
    ts_sent: int


class TokenExpiring(msgspec.Struct, tag_field="type", tag="token_expiring", frozen=True):
    """The credentials end at `expires_at`."""

    expires_at: int


class Stale(msgspec.Struct, tag_field="type", tag="stale", frozen=True):
    """The topic is not what the market is now."""

    topic: str
    reason: str
    ts_sent: int
    ts_event: int | None = None


class Recovered(msgspec.Struct, tag_field="type", tag="recovered", frozen=True):
    """It is again."""

    topic: str
    reason: str
    ts_sent: int


class Draining(msgspec.Struct, tag_field="type", tag="draining", frozen=True):
    """The server will close the socket; come again after so many seconds."""

    retry_after: float


Frame = Ack | Error | Snapshot | Delta | Heartbeat | TokenExpiring | Stale | Recovered | Draining

_json: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_msgpack: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame, ext_hook=unpack)
_encoder = msgspec.json.Encoder()


def decode(message: str | bytes) -> Frame | None:
    """Return the frame of a text (JSON) or binary (MessagePack) message; None where it is none that is known.

    A newer server may have more kinds of frames. A data frame that is lost here shows as a hole at the next one.
    """
    try:
        return _json.decode(message) if isinstance(message, str) else _msgpack.decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def encode(request: Mapping[str, Any]) -> str:
    """Return the text of a request."""
    return _encoder.encode(request).decode()


def apply(held: Mapping[str, Any], patch: Mapping[str, Any]) -> Document:
    """Return the document that a patch makes of `held`, which stays as it is; untouched levels are shared."""
    vanished = frozenset(patch.get("-", ()))
    fresh = {key: value for key, value in held.items() if key not in vanished} if vanished else dict(held)
    for key, value in patch.items():
        if isinstance(value, dict):
            inner = held.get(key)
            fresh[key] = apply(inner if isinstance(inner, dict) else {}, value)
        elif key != "-":
            fresh[key] = value
    return fresh
