"""Documents as this process holds them: a feed per topic, a view per way of looking at it. Opens nothing."""

import logging
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from streaming import protocol
from streaming.domain.conflation import Slot
from streaming.domain.sequencing import Document, Position, Step, apply, diff, step
from streaming.outbox import Message, Outbox, message_of
from streaming.state import FrameRecord, State
from streaming.topics import Subscription
from tradingviz.core.clock import Clock

logger = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class ViewKey(NamedTuple):
    """What subscribers of a topic must agree in to share frames."""

    channel: str
    view_key: str
    convention: str | None


class View:
    """One projection of a topic: projected, compared and encoded once per frame, for all its subscribers."""

    def __init__(self, channel: str, subscription: Subscription, clock: Clock) -> None:
        self.slots: dict[Outbox, Slot[Message]] = {}
        self._channel = channel
        self._topic = subscription.topic
        self._project = subscription.project
        self._convention = subscription.convention
        self._clock = clock
        self._state: State | None = None
        self._document: Document = {}
        self._body: msgspec.Raw | None = None

    def add(self, outbox: Outbox) -> None:
        """Let a socket follow from now on; it begins with a snapshot, as soon as there is a state."""
        outbox.slots[self._topic] = self.slots[outbox] = Slot(self.snapshot)
        outbox.touch(self._topic)

    def hold(self, state: State) -> None:
        """Look at a state from now on, telling nobody."""
        self._document = self._project(state.document) if self._project else state.document
        self._state = state
        self._body = None

    def restart(self, state: State) -> None:
        """Hold a state that does not continue the last one: every subscriber gets a snapshot."""
        self.hold(state)
        for outbox, slot in self.slots.items():
            slot.reset()
            outbox.touch(self._topic)

    def advance(self, state: State) -> None:
        """Hold the state after the last one and offer every subscriber the difference, also an empty one."""
        before = self._document
        self.hold(state)
        delta = message_of(protocol.Delta(data=diff(before, self._document), **self._head(state)))
        for outbox, slot in self.slots.items():
            slot.offer(delta)
            outbox.touch(self._topic)

    def snapshot(self) -> Message | None:
        """Return the view as it is now; the document is encoded once however many ask."""
        if self._state is None:
            return None
        if self._body is None:
            self._body = msgspec.Raw(_encode(self._document))
        return message_of(protocol.Snapshot(data=self._body, **self._head(self._state)))

    def fail(self) -> None:
        """Give up: tell every subscriber that this subscription has ended."""
        for outbox in self.slots:
            outbox.drop(self._topic)
            text = "this subscription failed on our side and has ended"
            outbox.answer(protocol.Error(id=None, code="internal", message=text, topic=self._topic))
        self.slots.clear()

    def _head(self, state: State) -> protocol.Head:
        return {
            "channel": self._channel,
            "topic": self._topic,
            "epoch": state.epoch,
            "seq": state.seq,
            "ts_event": state.ts_event,
            "ts_sent": self._clock(),
            "convention": self._convention or state.convention,
        }


class Feed:
    """A topic as of the last frame read. `lost`: what comes next cannot continue it, a newer state must be read."""

    def __init__(self, topic: str) -> None:
        self.lost = True
        self.state: State | None = None
        self._topic = topic
        self._views: dict[ViewKey, View] = {}

    @property
    def watched(self) -> bool:
        """True where somebody follows the topic."""
        return bool(self._views)

    @property
    def position(self) -> Position | None:
        """Where to read on; None where a state must be read first."""
        return self.state.position if self.state and not self.lost else None

    def add(self, outbox: Outbox, channel: str, subscription: Subscription, clock: Clock) -> None:
        """Let a socket follow a view in place of its old one; what `project` raises changes nothing."""
        key = ViewKey(channel, subscription.view_key, subscription.convention)
        view = self._views.get(key)
        if view is None:
            view = View(channel, subscription, clock)
            if self.state:
                view.hold(self.state)
        self.discard(outbox)
        self._views[key] = view
        view.add(outbox)

    def discard(self, outbox: Outbox) -> None:
        """Let a socket leave, and its view with the last one."""
        for key, view in list(self._views.items()):
            if view.slots.pop(outbox, None) and not view.slots:
                del self._views[key]

    def lose(self) -> None:
        """Something was missed, or cannot be read."""
        self.lost = True

    def adopt(self, state: State | None) -> None:
        """Take the stored state. One not newer than ours changes nothing: time does not go back."""
        if state and (self.state is None or state.position > self.state.position):
            self.state = state
            self.lost = False
            self._tell(lambda view: view.restart(state))

    def take(self, frame: FrameRecord) -> None:
        """Take one frame of the stream."""
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
            self._tell(lambda view: view.advance(fresh))

    def _tell(self, change: Callable[[View], None]) -> None:
        """A view that fails takes down itself alone."""
        for key, view in list(self._views.items()):
            try:
                change(view)
            except Exception:
                logger.exception("a view of %s failed", self._topic, extra={"view": key})
                del self._views[key]
                view.fail()
