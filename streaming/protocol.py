"""The WebSocket protocol, version 1: every frame in and out, every close code. Described in docs/protocol.md.

Client to server: one JSON object per text message, `op` names the operation and `id` is echoed in the answer.
Server to client: one JSON object per text message, `type` names the frame and `v` is the protocol's version.
Times are integers, milliseconds since the Unix epoch (UTC).
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Any, Literal, TypedDict, cast

import msgspec

from streaming.domain import columns

VERSION = 1
# Who came without credentials presents them within so many seconds; before they end there is a warning.
AUTH_SECONDS = 5.0
WARNING_SECONDS = 60.0
HEARTBEAT_SECONDS = 5.0
MAX_MESSAGE_CHARACTERS = 8192
MAX_MESSAGES_PER_SECOND = 20
MAX_BAD_FRAMES = 3
MAX_SUBSCRIPTIONS = 64

RequestId = int | str | None


class Close(IntEnum):
    """Close codes of our own; what a client should do about each."""

    BAD_FRAMES = 4400  # repair the client
    UNAUTHENTICATED = 4401  # get a token, come again
    FORBIDDEN = 4403  # do not come again
    TOO_SLOW = 4408  # come again, read faster or subscribe to less
    TOO_MANY = 4429  # come again later, speak less
    DRAINING = 4503  # come again soon: this process stops, or cannot say now who you are


class ProtocolError(Exception):
    """A well-formed request that cannot be met; answered with an `error` frame, the socket stays."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BadRequest(ProtocolError):
    """A known operation with a field that is missing or makes no sense."""

    def __init__(self, message: str, request_id: RequestId = None, code: str = "invalid_request") -> None:
        super().__init__(code, message)
        self.request_id = request_id


class BadFrame(BadRequest):
    """Not a request at all: counts towards the bad frames a socket may send."""

    def __init__(self, message: str, request_id: RequestId = None) -> None:
        super().__init__(message, request_id, "bad_frame")


Format = Literal["json", "msgpack", "columns"]
Interval = Annotated[int, msgspec.Meta(ge=250, le=60_000)]


class Subscribe(msgspec.Struct, tag_field="op", tag="subscribe", frozen=True):
    """Follow a channel. All other keys of the request are the channel's own parameters.

    `interval_ms`: at most one data frame in so many milliseconds; without it one for every publication.
    """

    channel: str
    id: RequestId = None
    format: Format = "json"
    interval_ms: Interval | None = None


class Resume(Subscribe, tag_field="op", tag="resume", frozen=True, kw_only=True):
    """Follow a channel again, in the same words, from where another socket stood."""

    topic: str
    epoch: int
    seq: int


class Unsubscribe(msgspec.Struct, tag_field="op", tag="unsubscribe", frozen=True):
    """Leave a topic, as the ack of the subscription named it."""

    topic: str
    id: RequestId = None


class Auth(msgspec.Struct, tag_field="op", tag="auth", frozen=True):
    """Present an access token or an API key: within five seconds of opening, or in place of one that expires."""

    token: str
    id: RequestId = None


class Ping(msgspec.Struct, tag_field="op", tag="ping", frozen=True):
    """Ask for an ack."""

    id: RequestId = None


Request = Auth | Subscribe | Resume | Unsubscribe | Ping

OPERATIONS = frozenset({"auth", "subscribe", "resume", "unsubscribe", "ping"})
# Keys of a subscribe request that are the protocol's, not the channel's.
RESERVED = frozenset({"op", "id", "channel", "format", "interval_ms", "v", "topic", "epoch", "seq"})


class Ack(msgspec.Struct, tag_field="type", tag="ack", kw_only=True, omit_defaults=False):
    """The request `id` was carried out; frames of a subscription come after its ack."""

    v: int = VERSION
    id: RequestId
    op: Literal["auth", "subscribe", "resume", "unsubscribe", "ping"]
    ts_sent: int
    channel: str | None = None
    topic: str | None = None
    echo: dict[str, Any] = {}


class Error(msgspec.Struct, tag_field="type", tag="error", kw_only=True):
    """The request `id` was not carried out. `topic` is set where a subscription ended by itself."""

    v: int = VERSION
    id: RequestId
    code: str
    message: str
    topic: str | None = None


class _Data(msgspec.Struct, kw_only=True):
    """What both data frames carry. `convention` says how the numbers were computed."""

    v: int = VERSION
    channel: str
    topic: str
    epoch: int
    seq: int
    ts_event: int
    ts_sent: int
    convention: str
    data: Any


class Head(TypedDict):
    """The fields of a data frame apart from its data."""

    channel: str
    topic: str
    epoch: int
    seq: int
    ts_event: int
    ts_sent: int
    convention: str


class Snapshot(_Data, tag_field="type", tag="snapshot", kw_only=True):
    """`data` is the whole document; forget what you had of the topic."""


class Delta(_Data, tag_field="type", tag="delta", kw_only=True):
    """`data` is a patch to the document of `prev` of the same epoch.

    `prev` is the `seq` of the frame before; `seq - 1`, unless an interval was asked for.
    """

    prev: int


class Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", kw_only=True):
    """The process is alive; `count` goes up by one each time."""

    v: int = VERSION
    count: int
    ts_sent: int


class TokenExpiring(msgspec.Struct, tag_field="type", tag="token_expiring", kw_only=True):
    """The credentials end at `expires_at` (ms), and the socket with them unless an `auth` brings new ones."""

    v: int = VERSION
    expires_at: int
    ts_sent: int


Reason = Literal["feed_silent", "market_closed", "illiquid", "data_quality"]


class Stale(msgspec.Struct, tag_field="type", tag="stale", kw_only=True):
    """What was sent of the topic is not what the market is now; `ts_event` is of the newest state known."""

    v: int = VERSION
    topic: str
    reason: Reason
    ts_event: int | None
    ts_sent: int


class Recovered(msgspec.Struct, tag_field="type", tag="recovered", kw_only=True):
    """The topic is no longer stale; `reason` is that of its having been."""

    v: int = VERSION
    topic: str
    reason: Reason
    ts_sent: int


class Draining(msgspec.Struct, tag_field="type", tag="draining", kw_only=True):
    """This process stops and closes the socket; come again after `retry_after` seconds."""

    v: int = VERSION
    retry_after: float
    ts_sent: int


Frame = Ack | Error | Snapshot | Delta | Heartbeat | TokenExpiring | Stale | Recovered | Draining

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_msgpack = msgspec.msgpack.Encoder().encode


def _encode_columns(value: Any) -> bytes:
    """Return MessagePack with mappings of rows as tables in a document, which may stand in a data frame."""
    if isinstance(value, _Data) and isinstance(value.data, dict):
        value = msgspec.structs.replace(value, data=columns.pack(value.data))
    return _msgpack(columns.pack(value) if isinstance(value, dict) else value)


_encoders: dict[Format, Callable[[Any], bytes]] = {
    "json": msgspec.json.Encoder().encode,
    "msgpack": _msgpack,
    "columns": _encode_columns,
}


def encode_as(wire: Format, value: Any) -> bytes:
    """Return a frame, or a document for one, on the wire; in JSON NaN and infinity leave as null."""
    return _encoders[wire](value)


def kind_of(frame: Frame) -> str:
    """Return the type of a frame, as it stands in it."""
    return str(type(frame).__struct_config__.tag)


def encode(frame: Frame) -> str:
    """Return the text of a frame."""
    return encode_as("json", frame).decode()


def parse(text: str | None) -> tuple[Request, dict[str, Any]]:
    """Return a request and its channel's parameters; raises BadRequest. None stands for a binary message."""
    if text is None:
        raise BadFrame("only text messages are understood")
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise BadFrame(f"a message may have {MAX_MESSAGE_CHARACTERS} characters")
    try:
        message = _decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
        raise BadFrame(f"not a JSON object: {error}") from error
    try:
        request = msgspec.convert(message, Request)
    except msgspec.ValidationError as error:
        kind = BadRequest if str(message.get("op")) in OPERATIONS else BadFrame
        raise kind(str(error), _id_of(message)) from error
    return request, {key: value for key, value in message.items() if key not in RESERVED}


def _id_of(message: dict[str, Any]) -> RequestId:
    """Return the id of a message that is otherwise unusable."""
    try:
        return cast("RequestId", msgspec.convert(message.get("id"), RequestId))
    except msgspec.ValidationError:
        return None
