"""What a topic leaves in Redis: its last state and a stream of its latest frames.

`state:{topic}` holds a State; `frames:{topic}` holds FrameRecords under the ids `{epoch}-{seq}`. Both are
written by one script (streaming.publisher), so whoever reads the state and then the frames after its position
misses nothing.
"""

from typing import Any, Literal

import msgspec
import redis
import redis.asyncio

from streaming.domain.sequencing import Document, Position

FIELD = b"b"


def state_key(topic: str) -> str:
    """Return the name of a topic's state."""
    return f"state:{topic}"


def frames_key(topic: str) -> str:
    """Return the name of a topic's stream of frames."""
    return f"frames:{topic}"


def position_key(topic: str) -> str:
    """Return the name of a topic's position, `{epoch}-{seq}`: cheaper to read than its state."""
    return f"position:{topic}"


def frame_id(position: Position) -> str:
    """Return a position's stream id. Redis refuses one that is not newer: the fence between publishers."""
    return f"{position.epoch}-{position.seq}"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as of `epoch`/`seq`; `ts_event` is ms since the Unix epoch, UTC."""

    v: Literal[1] = 1
    epoch: int
    seq: int
    ts_event: int
    convention: str
    document: Document

    @property
    def position(self) -> Position:
        """Where a reader of this state stands."""
        return Position(self.epoch, self.seq)


class FrameRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One publication: `delta` is the patch to the document of `seq - 1`, and to `{}` where `seq` is 1."""

    v: Literal[1] = 1
    epoch: int
    seq: int
    ts_event: int
    convention: str
    delta: dict[str, Any]

    @property
    def position(self) -> Position:
        """Where a reader stands after this frame."""
        return Position(self.epoch, self.seq)


encode = msgspec.msgpack.Encoder().encode
decode_frame = msgspec.msgpack.Decoder(FrameRecord).decode
_decode_state = msgspec.msgpack.Decoder(State).decode


def decode_state(raw: Any) -> State | None:
    """Return a stored state; None where there is none, or one of another version."""
    try:
        return _decode_state(raw) if raw else None
    except msgspec.MsgspecError:
        return None


def read_state(client: redis.Redis, topic: str) -> State | None:
    """Return a topic's state, None where it has none. Raises redis.RedisError."""
    return decode_state(client.get(state_key(topic)))


def read_states(client: redis.Redis, topics: list[str]) -> list[State | None]:
    """Return the states of topics in one round trip, in their order. Raises redis.RedisError."""
    return [decode_state(raw) for raw in client.mget([state_key(topic) for topic in topics])] if topics else []


async def read_states_async(client: redis.asyncio.Redis, topics: list[str]) -> list[State | None]:
    """Do the same as read_states, from asyncio."""
    if not topics:
        return []
    return [decode_state(raw) for raw in await client.mget([state_key(topic) for topic in topics])]
