"""The writing end of topics, synchronous: keeps the last document of each and announces what changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import msgspec
import redis

from streaming.domain.sequencing import Document, Position, diff
from streaming.state import (
    FrameRecord,
    State,
    encode,
    frame_id,
    frames_key,
    position_key,
    read_state,
    read_states,
    state_key,
)
from tradingviz.core.clock import Clock, now_ms

__all__ = ["Fenced", "Publication", "Publisher", "read_state"]

_NOTHING = encode({})

# The frame first: where its id is refused, the state of the newer publisher must stay. (MULTI would write it
# anyway.) A refused frame that is already there, byte for byte, is our own: redis-py repeated a call whose
# answer was lost.
_PUBLISH = """
local added = redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], ARGV[1], 'b', ARGV[2])
if type(added) == 'table' and added.err then
  if not string.find(added.err, 'equal or smaller', 1, true) then return added end
  local top = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  if top and top[1] == ARGV[1] and top[2][2] == ARGV[2] then return 1 end
  return 0
end
redis.call('SET', KEYS[1], ARGV[4], 'EX', ARGV[5])
redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
if KEYS[4] then
  redis.call('INCR', KEYS[4])
  redis.call('EXPIRE', KEYS[4], ARGV[5])
end
return 1
"""


class Fenced(RuntimeError):
    """Another publisher has begun the topic since: this one must stop, or begin the topic again."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"another publisher writes {topic}")
        self.topic = topic


class View(Protocol):
    """A document that writes itself and what changed in it as MessagePack, quicker than leaf by leaf."""

    def packed(self) -> bytes:
        """Return the document."""

    def packed_patch(self, before: Any) -> bytes:
        """Return what `streaming.domain.sequencing.diff` gives for `before`, a view of the same kind, and this one."""


@dataclass(frozen=True, slots=True)
class Plain:
    """The view of a document that is nothing but nested dicts; it must not be changed any more."""

    document: Document

    def packed(self) -> bytes:
        """Return the document."""
        return encode(self.document)

    def packed_patch(self, before: "Plain") -> bytes:
        """Return what changed."""
        return encode(diff(before.document, self.document))


@dataclass(frozen=True, slots=True)
class Publication:
    """What a topic is now: a document of JSON values, its event time (ms UTC) and how it was computed.

    `counter` names a key of Redis that is counted up once it is written.
    """

    topic: str
    view: View
    ts_event: int
    convention: str
    counter: str | None = None


@dataclass(slots=True)
class _Line:
    """What was last published of a topic."""

    position: Position
    view: View | None = None
    stamp: tuple[int, str] = (0, "")


class _Record(NamedTuple):
    """What one publication writes to Redis."""

    topic: str
    id: str
    frame: bytes
    state: bytes
    counter: str | None


class Publisher:
    """Publishes documents as states and deltas with an unbroken `seq` per epoch.

    One publisher per topic: the one that began last wins, all others get Fenced. Frames of a topic are kept
    for `frames_kept` publications (four minutes at four a second), states for `seconds_kept` after the last
    one.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        clock: Clock = now_ms,
        frames_kept: int = 256,
        seconds_kept: int = 7 * 86_400,
    ) -> None:
        self._client = client
        self._clock = clock
        self._limits = (frames_kept, seconds_kept)
        self._lines: dict[str, _Line] = {}
        self._fenced: set[str] = set()

    def begin(self, topic: str) -> int:
        """Start a new epoch of a topic, also where another publisher has taken it; return the epoch (ms).

        Nothing is written before the first publication. Raises redis.RedisError.
        """
        self._begin([topic])
        return self._lines[topic].position.epoch

    def adopt(self, topics: Iterable[str]) -> None:
        """Go on where the last publisher of topics of plain documents stopped, in its epoch.

        For publishers that take turns, such as workers: who is late gets Fenced and has nothing to add. Topics without
        a state begin with their first publication. Raises redis.RedisError.
        """
        names = list(topics)
        for topic, state in zip(names, read_states(self._client, names), strict=True):
            self._lines.pop(topic, None)
            self._fenced.discard(topic)
            if state is not None:
                stamp = (state.ts_event, state.convention)
                self._lines[topic] = _Line(state.position, Plain(state.document), stamp)

    def publish(self, topic: str, document: Document, *, ts_event: int, convention: str) -> int:
        """Publish one document; return its `seq`. See publish_many."""
        return self.publish_many([Publication(topic, Plain(document), ts_event, convention)])[0]

    def publish_many(self, publications: Iterable[Publication]) -> list[int]:
        """Publish documents in one round trip; return each one's `seq`, the last one where nothing changed.

        Topics not begun yet are begun. Raises Fenced where another publisher took one of the topics,
        ValueError for a reserved key, TypeError for what is no JSON value, redis.RedisError where Redis
        fails: a topic of which it is then unknown what was written starts a new epoch with its next
        publication.
        """
        wanted = list(publications)
        if taken := next((item.topic for item in wanted if item.topic in self._fenced), None):
            raise Fenced(taken)
        self._begin(list({item.topic: None for item in wanted if item.topic not in self._lines}))
        try:
            replies = self._write([record for item in wanted if (record := self._advance(item))])
        except Exception:
            self._forget(item.topic for item in wanted)
            raise
        seqs = [self._lines[item.topic].position.seq for item in wanted]
        self._check(replies)
        return seqs

    def _begin(self, topics: list[str]) -> None:
        """An epoch is newer than any before it, also where the clock went back."""
        if not topics:
            return
        with self._client.pipeline(transaction=False) as pipe:
            for topic in topics:
                pipe.xrevrange(frames_key(topic), count=1)
            replies = pipe.execute()
        for topic, last in zip(topics, replies, strict=True):
            after_last = int(last[0][0].split(b"-")[0]) + 1 if last else 0
            self._lines[topic] = _Line(Position(max(after_last, self._clock()), 0))
            self._fenced.discard(topic)

    def _advance(self, item: Publication) -> _Record | None:
        """Take a document as published; return what to write, None where nothing changed."""
        line = self._lines[item.topic]
        # A new kind of view, as after a new version was started, begins as if nothing had been there.
        is_first = type(line.view) is not type(item.view)
        document = item.view.packed()
        delta = document if is_first else item.view.packed_patch(line.view)
        stamp = (item.ts_event, item.convention)
        if delta == _NOTHING and stamp == line.stamp:
            return None
        fresh = _Line(Position(line.position.epoch, line.position.seq + 1), item.view, stamp)
        self._lines[item.topic] = fresh
        return _record(item, fresh, document, delta)

    def _write(self, records: list[_Record]) -> dict[str, object]:
        """Return Redis's answer per topic, the worst where a topic has several."""
        if not records:
            return {}
        frames_kept, seconds_kept = self._limits
        with self._client.pipeline(transaction=False) as pipe:
            for topic, id_, frame, state, counter in records:
                keys = [state_key(topic), frames_key(topic), position_key(topic), *([counter] if counter else [])]
                pipe.eval(_PUBLISH, len(keys), *keys, id_, frame, str(frames_kept), state, str(seconds_kept))
            replies = pipe.execute(raise_on_error=False)
        answers: dict[str, object] = {}
        for record, reply in zip(records, replies, strict=True):
            if answers.get(record.topic, 1) == 1:
                answers[record.topic] = reply
        return answers

    def _check(self, answers: dict[str, object]) -> None:
        """Raise the first failure, after noting all of them."""
        failed = {topic: answer for topic, answer in answers.items() if answer != 1}
        self._forget(failed)
        self._fenced.update(topic for topic, answer in failed.items() if answer == 0)
        for topic, answer in failed.items():
            raise answer if isinstance(answer, Exception) else Fenced(topic)

    def _forget(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._lines.pop(topic, None)


def _record(item: Publication, line: _Line, document: bytes, delta: bytes) -> _Record:
    """Return what one publication writes."""
    epoch, seq = line.position
    ts_event, convention = line.stamp
    rest: dict[str, Any] = {"epoch": epoch, "seq": seq, "ts_event": ts_event, "convention": convention}
    # Packed already: only what stands around it is encoded.
    frame = encode(FrameRecord(delta=cast("Document", msgspec.Raw(delta)), **rest))
    state = encode(State(document=cast("Document", msgspec.Raw(document)), **rest))
    return _Record(item.topic, frame_id(line.position), frame, state, item.counter)
