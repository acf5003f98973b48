"""Documents as this process holds them: a feed per topic, a view per way of looking at it. Opens nothing."""

import logging
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import msgspec

from streaming import protocol
from streaming.domain.conflation import Slot
from streaming.domain.sequencing import Position, Step, apply, diff, step
from streaming.history import History, Sent
from streaming.outbox import Message, Outbox, message_of
from streaming.protocol import Format
from streaming.state import FrameRecord, State
from streaming.topics import Subscription
from tradingviz.core.clock import Clock

logger = logging.getLogger(__name__)

# A topic costs its projection, comparison and encoding once for each view, with every publication. Whoever asked for a
# view first answers for it: so many of one topic, also of those kept for a minute in case somebody comes back.
MAX_VIEWS = 16


class Timer(Protocol):
    """The event loop, as far as a view needs it."""

    def time(self) -> float:
        """Return seconds of a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        """Call back after so many seconds; what is returned can be cancelled."""


class Manner(NamedTuple):
    """How a client wants its frames: `interval_ms` 0 is one for every publication."""

    format: Format = "json"
    interval_ms: int = 0


class ViewKey(NamedTuple):
    """What subscribers of a topic must agree in to share frames."""

    channel: str
    topic: str
    view_key: str
    convention: str | None
    manner: Manner


class View:
    """One projection of a topic: projected, compared and encoded once per frame, for all its subscribers."""

    def __init__(
        self, key: ViewKey, subscription: Subscription, clock: Clock, timer: Timer, owner: int | None = None
    ) -> None:
        """`owner` is the user who asked for it first."""
        self.slots: dict[Outbox, Slot[Message]] = {}
        self.owner = owner
        self._key = key
        self._project = subscription.project
        self._clock = clock
        self._timer = timer
        self._shown: State | None = None  # its document is the projection
        self._waiting: State | None = None
        self._pacing: Any = None
        self._body: bytes | None = None
        self._history = History()

    @property
    def idle_since(self) -> float | None:
        """Since when nobody follows it (the timer's seconds)."""
        return self._history.idle_since

    def add(self, outbox: Outbox, resume: Position | None = None) -> bool:
        """Let a socket follow from now on; return whether it goes on from `resume`, else it begins with a snapshot."""
        slot = Slot(self.snapshot)
        missed = self._missed(resume) if resume else None
        if missed is not None:
            slot.resume(missed)
        outbox.slots[self._key.topic] = self.slots[outbox] = slot
        outbox.touch(self._key.topic)
        self._history.idle_since = None
        return missed is not None

    def discard(self, outbox: Outbox) -> bool:
        """Let a socket leave; return whether it was the last one."""
        there = self.slots.pop(outbox, None) is not None
        if there and not self.slots:
            self._history.idle_since = self._timer.time()
        return there and not self.slots

    def hold(self, state: State) -> None:
        """Look at a state from now on, telling nobody."""
        document = self._project(state.document) if self._project else state.document
        self._shown = msgspec.structs.replace(state, document=document)
        self._waiting = self._body = None

    def restart(self, state: State) -> None:
        """Hold a state that does not continue the last one: every subscriber gets a snapshot."""
        self.hold(state)
        self._history.clear()
        for outbox, slot in self.slots.items():
            slot.reset()
            outbox.touch(self._key.topic)

    def advance(self, state: State) -> None:
        """Hold the state after the last one; subscribers get the difference, now or when its time has come."""
        self._waiting = state
        if self._pacing is None:
            self._show()

    def snapshot(self) -> Message | None:
        """Return what the deltas sent so far come to; the document is encoded once however many ask."""
        if self._shown is None:
            return None
        if self._body is None:
            self._body = protocol.encode_as(self._key.manner.format, self._shown.document)
        frame = protocol.Snapshot(data=msgspec.Raw(self._body), **self._head(self._shown))
        return message_of(frame, self._key.manner.format)

    def fail(self) -> None:
        """Give up: tell every subscriber that this subscription has ended."""
        for outbox in self.slots:
            outbox.drop(self._key.topic)
            text = "this subscription failed on our side and has ended"
            outbox.answer(protocol.Error(id=None, code="internal", message=text, topic=self._key.topic))
        self.slots.clear()
        self.close()

    def notify(self, message: Message) -> None:
        """Tell every subscriber something about the topic, in place of what it was told before and has not read."""
        for outbox in self.slots:
            outbox.notice(self._key.topic, message)

    def close(self) -> None:
        """Nobody will look any more."""
        if self._pacing:
            self._pacing.cancel()
            self._pacing = None
        self._history.close()

    @property
    def topic(self) -> str:
        """The topic as clients know it."""
        return self._key.topic

    def _show(self) -> None:
        """Offer what waits to every subscriber, also where nothing of it is in this view."""
        self._pacing = None
        state, before = self._waiting, self._shown
        if state is None or before is None:
            return
        self.hold(state)
        assert self._shown is not None
        delta = protocol.Delta(prev=before.seq, data=diff(before.document, self._shown.document), **self._head(state))
        message = message_of(delta, self._key.manner.format)
        self._history.remember(Sent(before.position, self._timer.time(), message))
        for outbox, slot in self.slots.items():
            slot.offer(message)
            outbox.push(self._key.topic)
        if interval := self._key.manner.interval_ms:
            self._pacing = self._timer.call_later(interval / 1000, self._show)

    def _missed(self, position: Position) -> list[Message] | None:
        """Return the deltas after a position; None where they do not reach back to it."""
        if self._shown and position == self._shown.position:
            return []
        return self._history.after(position)

    def _head(self, state: State) -> protocol.Head:
        return {
            "channel": self._key.channel,
            "topic": self._key.topic,
            "epoch": state.epoch,
            "seq": state.seq,
            "ts_event": state.ts_event,
            "ts_sent": self._clock(),
            "convention": self._key.convention or state.convention,
        }


class Feed:
    """A topic as of the last frame read. `lost`: what comes next cannot continue it, a newer state must be read."""

    def __init__(self, timer: Timer, clock: Clock) -> None:
        self.lost = True
        self.state: State | None = None
        self._timer = timer
        self._clock = clock
        self._views: dict[ViewKey, View] = {}

    @property
    def watched(self) -> bool:
        """True where somebody follows the topic, or did a moment ago."""
        return bool(self._views)

    @property
    def position(self) -> Position | None:
        """Where to read on; None where a state must be read first."""
        return self.state.position if self.state and not self.lost else None

    @property
    def views(self) -> list[View]:
        """Every way of looking at it."""
        return list(self._views.values())

    def add(
        self, outbox: Outbox, channel: str, subscription: Subscription, manner: Manner, resume: Position | None
    ) -> bool:
        """Let a socket follow a view in place of its old one.

        Return whether it goes on from `resume`. Raises ProtocolError where its user has too many, and what `project`
        does: then nothing changes.
        """
        key = ViewKey(channel, subscription.topic, subscription.view_key, subscription.convention, manner)
        view = self._views.get(key)
        if view is None:
            self._make_room(outbox, key.topic)
            view = View(key, subscription, self._clock, self._timer, outbox.owner)
            if self.state:
                view.hold(self.state)
        # Not the view that is followed anew: its last socket would end it.
        self._leave(outbox, [other for other in self._views if other.topic == key.topic and other != key])
        self._views[key] = view
        return view.add(outbox, resume)

    def _make_room(self, outbox: Outbox, topic: str) -> None:
        """Let go of a view that nobody follows where a user has many of this topic; raise ProtocolError for too many.

        What the socket follows now makes way for what it asks for.
        """
        if outbox.owner is None:
            return
        own = [(key, view) for key, view in self._views.items() if (key.topic, view.owner) == (topic, outbox.owner)]
        own = [(key, view) for key, view in own if view.slots.keys() != {outbox}]
        if len(own) < MAX_VIEWS:
            return
        left = [(view.idle_since, key) for key, view in own if view.idle_since is not None]
        if not left:
            text = f"a user may follow a topic in {MAX_VIEWS} ways at once: other parameters, formats and intervals"
            raise protocol.ProtocolError("too_many_views", text)
        self._drop(min(left, key=itemgetter(0))[1])

    def discard(self, outbox: Outbox, topic: str, *, keep: bool = False) -> None:
        """Let a socket leave, and its view with the last one; `keep` leaves that to `sweep`."""
        self._leave(outbox, [key for key in self._views if key.topic == topic], keep=keep)

    def _leave(self, outbox: Outbox, keys: list[ViewKey], *, keep: bool = False) -> None:
        for key in keys:
            if self._views[key].discard(outbox) and not keep:
                self._drop(key)

    def sweep(self, before: float) -> None:
        """Drop the views that nobody has followed since `before` (the timer's seconds)."""
        for key, view in list(self._views.items()):
            if view.idle_since is not None and view.idle_since <= before:
                self._drop(key)

    def close(self) -> None:
        """Nobody will follow it any more."""
        for key in list(self._views):
            self._drop(key)

    def lose(self) -> None:
        """Something was missed, or cannot be read."""
        self.lost = True

    def adopt(self, state: State | None) -> None:
        """Take the stored state. One not newer than ours changes nothing: time does not go back."""
        if state and (self.state is None or state.position > self.state.position):
            self.state = state
            self.lost = False
            for _ in self._tell(lambda view: view.restart(state)):
                pass

    def take(self, frame: FrameRecord) -> None:
        """Take one frame of the stream."""
        for _ in self.take_in_turns(frame):
            pass

    def take_in_turns(self, frame: FrameRecord) -> Iterator[None]:
        """Take one frame, stopping before each view: others may want to do something in between."""
        held = self.state
        if held is None:
            return
        what = step(held.position, frame.position)
        if what is Step.GAP:
            self.lose()
        elif what is Step.APPLY:
            fresh = State(
                epoch=frame.epoch,
                seq=frame.seq,
                ts_event=frame.ts_event,
                convention=frame.convention,
                document=apply(held.document, frame.delta),
            )
            self.state = fresh
            yield from self._tell(lambda view: view.advance(fresh))

    def _drop(self, key: ViewKey) -> None:
        self._views.pop(key).close()

    def _tell(self, change: Callable[[View], None]) -> Iterator[None]:
        """A view that fails takes down itself alone; one that has come or gone meanwhile is left in peace."""
        for key, view in list(self._views.items()):
            yield
            if self._views.get(key) is not view:
                continue
            try:
                change(view)
            except Exception:
                logger.exception("a view of %s failed", key.topic, extra={"view": key})
                del self._views[key]
                view.fail()
