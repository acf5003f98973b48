"""Intervals, readers that stall, and readers that come back: never a hole, never back in time, always the latest."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fo_analytics.domain.chain_view import FIELDS
from streaming import history
from streaming.domain.sequencing import Document, Position, diff
from streaming.history import RESUME_SECONDS, Shelf
from streaming.outbox import Message, Outbox
from streaming.protocol import ProtocolError
from streaming.state import FrameRecord, State
from streaming.topics import Subscription
from streaming.views import MAX_VIEWS, Feed, Manner
from tests.properties.timeline import Timeline
from tests.websocket.mirror import Mirror

SUBSCRIPTION = Subscription("t")
MANNERS = [
    Manner(), Manner("msgpack"), Manner("columns"), Manner("json", 250), Manner("msgpack", 1_000),
    Manner("columns", 1_000),
]  # fmt: skip
ROWS: Document = {str(n): {"price": n / 3, "part": {"oi": n}} for n in range(12)}


async def nowhere(message: Message) -> None:
    """Nothing is sent here: the test takes from the slots."""
    raise AssertionError(message)


@dataclass
class Reader:
    """A client and its place."""

    manner: Manner
    outbox: Outbox
    mirror: Mirror

    def take(self) -> bool:
        """Take one message; return whether there was one."""
        slot = self.outbox.slots.get("t")
        message = slot.take() if slot else None
        if message is not None:
            self.mirror.take(message)
        return message is not None


class Publications(RuleBasedStateMachine):
    """A topic that changes, starts new epochs and is followed in several manners at once."""

    @initialize()
    def begin(self) -> None:
        """One reader in each manner, before there is anything to read."""
        self.time = Timeline()
        self.feed = Feed(self.time, lambda: 0)
        self.position = Position(1, 1)
        self.document: Document = {"n": 0, "rows": ROWS}
        self.readers = [Reader(manner, Outbox(nowhere), Mirror()) for manner in MANNERS]
        for reader in self.readers:
            self.feed.add(reader.outbox, "c", SUBSCRIPTION, reader.manner, None)
        self.feed.adopt(self.state())

    def state(self) -> State:
        """Return what is stored."""
        epoch, seq = self.position
        return State(epoch=epoch, seq=seq, ts_event=0, convention="exact", document=self.document)

    @rule(key=st.sampled_from("abc"), value=st.integers(0, 2))
    def change_a_leaf(self, key: str, value: int) -> None:
        """A value that is no row."""
        self.publish({**self.document["rows"], key: value})

    @rule(factor=st.sampled_from([0.5, -1.0, 100.0]), oi=st.sampled_from([None, 0, -1, 2**63, 10**6]))
    def change_all_rows(self, factor: float, oi: int | None) -> None:
        """What columns are made for."""
        changed = {key: {"price": row["price"] * factor, "part": {"oi": oi}} for key, row in ROWS.items()}
        self.publish(self.document["rows"] | changed)

    @rule(gone=st.sampled_from(["price", "part"]))
    def lose_a_field(self, gone: str) -> None:
        """Removals in every row; the fields are back with the next change."""
        rows = self.document["rows"]
        held = {key: rows[key] for key in ROWS}
        self.publish(rows | {key: {name: row[name] for name in row if name != gone} for key, row in held.items()})
        self.publish(rows | held)

    def publish(self, rows: Document) -> None:
        """Publish the rows, and one more count."""
        fresh: Document = {"n": self.document["n"] + 1, "rows": rows}
        epoch, seq = self.position
        self.position = Position(epoch, seq + 1)
        delta: dict[str, Any] = diff(self.document, fresh)
        self.document = fresh
        self.feed.take(FrameRecord(epoch=epoch, seq=seq + 1, ts_event=0, convention="exact", delta=delta))

    @rule()
    def publisher_begins_again(self) -> None:
        """A new epoch."""
        self.position = Position(self.position.epoch + 1, 1)
        self.document = {"n": 0, "rows": ROWS}
        self.feed.adopt(self.state())

    @rule(seconds=st.sampled_from([0.1, 0.3, 1.0, 30.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time.go_on(seconds)

    @rule(which=st.integers(0, len(MANNERS) - 1), times=st.integers(1, 20))
    def read(self, which: int, times: int) -> None:
        """Let a reader take some messages."""
        for _ in range(times):
            self.readers[which].take()

    @rule(which=st.integers(0, len(MANNERS) - 1), seconds=st.sampled_from([0.0, 0.3, 5.0]))
    def leave_and_come_back(self, which: int, seconds: float) -> None:
        """Lose the connection, and resume on another within a minute."""
        reader = self.readers[which]
        self.feed.discard(reader.outbox, "t", keep=True)
        self.time.go_on(seconds)
        self.feed.sweep(self.time.time() - RESUME_SECONDS)
        held = reader.mirror.positions.get("t")
        reader.outbox = Outbox(nowhere)
        position = Position(*held) if held else None
        self.feed.add(reader.outbox, "c", SUBSCRIPTION, reader.manner, position)

    @rule(which=st.integers(0, len(MANNERS) - 1))
    def ask_again_in_the_same_words(self, which: int) -> None:
        """Begin anew on the same connection."""
        reader = self.readers[which]
        self.feed.add(reader.outbox, "c", SUBSCRIPTION, reader.manner, None)

    @precondition(lambda self: hasattr(self, "readers"))
    @invariant()
    def whoever_has_read_everything_holds_what_was_shown_last(self) -> None:
        """The mirror itself refuses holes and going back."""
        for reader in self.readers:
            slot = reader.outbox.slots["t"]
            if reader.manner.interval_ms == 0 and reader.mirror.positions.get("t") == self.position:
                assert reader.mirror.documents["t"] == self.document
            assert slot is not None

    def teardown(self) -> None:
        """Whoever reads on ends with the latest."""
        if not hasattr(self, "readers"):
            return
        self.time.go_on(120.0)
        for reader in self.readers:
            while reader.take():
                pass
            assert reader.mirror.documents["t"] == self.document
            assert reader.mirror.positions["t"] == self.position


TestPublications = Publications.TestCase


def stream(feed: Feed, count: int) -> None:
    """Publish `count` changes of a counter after seq 1."""
    for seq in range(2, count + 2):
        feed.take(FrameRecord(epoch=1, seq=seq, ts_event=0, convention="exact", delta={"n": seq}))


def begun(timeline: Timeline) -> Feed:
    """Return a feed that holds seq 1."""
    feed = Feed(timeline, lambda: 0)
    feed.adopt(State(epoch=1, seq=1, ts_event=0, convention="exact", document={"n": 1}))
    return feed


@given(missed=st.integers(0, 40), manner=st.sampled_from(MANNERS[:3]))
def test_a_resume_within_a_minute_brings_the_missed_deltas_byte_for_byte(missed: int, manner: Manner) -> None:
    timeline = Timeline()
    feed, gone, stays = begun(timeline), Outbox(nowhere), Outbox(nowhere)
    for outbox in (gone, stays):
        feed.add(outbox, "c", SUBSCRIPTION, manner, None)
        assert outbox.slots["t"].take()
    feed.discard(gone, "t", keep=True)
    sent = []
    for seq in range(2, missed + 2):
        delta = {"n": seq, "rows": {str(n): {"price": n / seq} for n in range(20)}}
        feed.take(FrameRecord(epoch=1, seq=seq, ts_event=0, convention="exact", delta=delta))
        sent.append(stays.slots["t"].take())
    timeline.go_on(59.0)
    back = Outbox(nowhere)
    assert feed.add(back, "c", SUBSCRIPTION, manner, Position(1, 1))
    assert [back.slots["t"].take() for _ in range(missed)] == sent
    assert back.slots["t"].take() is None


@pytest.mark.parametrize("manner", MANNERS)
def test_the_only_one_who_follows_may_ask_again_and_goes_on(manner: Manner) -> None:
    timeline, reader = Timeline(), Reader(manner, Outbox(nowhere), Mirror())
    feed = begun(timeline)
    feed.add(reader.outbox, "c", SUBSCRIPTION, manner, None)
    assert reader.take()
    for seq, resume in ((2, Position(1, 1)), (3, None)):
        feed.take(FrameRecord(epoch=1, seq=seq, ts_event=0, convention="exact", delta={"n": seq}))
        assert feed.add(reader.outbox, "c", SUBSCRIPTION, manner, resume) is (resume is not None)
        timeline.go_on(10.0)
    feed.take(FrameRecord(epoch=1, seq=4, ts_event=0, convention="exact", delta={"n": 4}))
    timeline.go_on(10.0)
    while reader.take():
        pass
    assert reader.mirror.documents["t"] == {"n": 4}


def test_a_later_resume_begins_with_a_snapshot() -> None:
    timeline = Timeline()
    feed, stays, back = begun(timeline), Outbox(nowhere), Outbox(nowhere)
    feed.add(stays, "c", SUBSCRIPTION, Manner(), None)
    stream(feed, 1)
    timeline.go_on(2 * RESUME_SECONDS)
    feed.take(FrameRecord(epoch=1, seq=3, ts_event=0, convention="exact", delta={"n": 3}))
    assert not feed.add(back, "c", SUBSCRIPTION, Manner(), Position(1, 1))
    mirror = Mirror()
    message = back.slots["t"].take()
    assert message is not None
    assert mirror.take(message)["type"] == "snapshot"


def test_what_nobody_comes_back_to_is_given_up_after_a_minute() -> None:
    timeline = Timeline()
    feed, gone = begun(timeline), Outbox(nowhere)
    feed.add(gone, "c", SUBSCRIPTION, Manner(), None)
    feed.discard(gone, "t", keep=True)
    timeline.go_on(RESUME_SECONDS - 1)
    feed.sweep(timeline.time() - RESUME_SECONDS)
    assert feed.watched
    timeline.go_on(2)
    feed.sweep(timeline.time() - RESUME_SECONDS)
    assert not feed.watched


def test_an_interval_brings_one_frame_at_its_beginning_and_then_one_each() -> None:
    timeline = Timeline()
    feed, outbox, mirror = begun(timeline), Outbox(nowhere), Mirror()
    feed.add(outbox, "c", SUBSCRIPTION, Manner("json", 1_000), None)
    arrived = []
    for seq in range(2, 42):  # ten a second for four seconds
        feed.take(FrameRecord(epoch=1, seq=seq, ts_event=0, convention="exact", delta={"n": seq}))
        while message := outbox.slots["t"].take():
            frame = mirror.take(message)
            arrived.append((round(timeline.time(), 1), frame["type"], frame["seq"]))
        timeline.go_on(0.1)
    assert [kind for _, kind, _ in arrived] == ["snapshot"] + ["delta"] * (len(arrived) - 1)
    assert [at for at, _, _ in arrived] == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.11)
    assert mirror.documents["t"]["n"] >= 31


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """What views of this test remember, and nothing else."""
    monkeypatch.setattr(history, "shelf", found := Shelf())
    return found


def test_all_views_together_remember_no_more_than_there_is_room_for(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "ALL_HISTORY_BYTES", 2_000)
    timeline = Timeline()
    feed, outboxes = begun(timeline), [Outbox(nowhere) for _ in range(8)]
    for number, outbox in enumerate(outboxes):
        feed.add(outbox, "c", SUBSCRIPTION, Manner("json", 250 + number), None)
    for seq in range(2, 60):
        feed.take(FrameRecord(epoch=1, seq=seq, ts_event=0, convention="exact", delta={"n": seq}))
        timeline.go_on(0.3)
        assert shelf.bytes <= 2_000
    for outbox in outboxes:
        feed.discard(outbox, "t")
    assert shelf.bytes == 0


def test_what_nobody_follows_is_forgotten_before_what_somebody_does(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline = Timeline()
    feed, stays = begun(timeline), Outbox(nowhere)
    feed.add(stays, "c", SUBSCRIPTION, Manner(), None)
    for number in range(4):
        gone = Outbox(nowhere)
        feed.add(gone, "c", Subscription("t", view_key=str(number)), Manner(), None)
        feed.discard(gone, "t", keep=True)
        timeline.go_on(1.0)
    stream(feed, 40)
    monkeypatch.setattr(history, "ALL_HISTORY_BYTES", shelf.bytes // 4)
    feed.take(FrameRecord(epoch=1, seq=42, ts_event=0, convention="exact", delta={"n": 42}))
    assert feed.add(Outbox(nowhere), "c", SUBSCRIPTION, Manner(), Position(1, 1)), "all of it is still there"
    assert not feed.add(Outbox(nowhere), "c", Subscription("t", view_key="0"), Manner(), Position(1, 1))


@pytest.mark.usefixtures("shelf")
def test_a_whole_chain_ten_times_a_second_is_remembered_for_a_minute() -> None:
    """In JSON, every number of 101 strikes changed with every frame."""
    timeline, seconds, rate = Timeline(), 62, 10
    feed, stays = begun(timeline), Outbox(nowhere)
    feed.add(stays, "c", SUBSCRIPTION, Manner(), None)
    for seq in range(2, seconds * rate + 2):
        side = dict.fromkeys(FIELDS, 123.456789012345 + seq)
        chain = {"strikes": {str(24_000.0 + 50 * rung): {"call": side, "put": side} for rung in range(101)}}
        feed.take(FrameRecord(epoch=1, seq=seq, ts_event=0, convention="exact", delta=chain))
        stays.slots["t"].reset()
        timeline.go_on(1 / rate)
    assert feed.add(Outbox(nowhere), "c", SUBSCRIPTION, Manner(), Position(1, (seconds - 60) * rate + 1))


def follow(feed: Feed, owner: int, view: int, *, outbox: Outbox | None = None) -> Outbox:
    """Let a user follow a view of the topic, on a socket of its own by default."""
    outbox = outbox or Outbox(nowhere)
    outbox.owner = owner
    feed.add(outbox, "c", Subscription("t", view_key=str(view)), Manner(), None)
    return outbox


def test_a_user_may_follow_a_topic_in_so_many_ways_and_others_in_theirs() -> None:
    feed = begun(Timeline())
    sockets = [follow(feed, 1, view) for view in range(MAX_VIEWS)]
    with pytest.raises(ProtocolError, match="ways at once"):
        follow(feed, 1, MAX_VIEWS)
    assert len(feed.views) == MAX_VIEWS
    follow(feed, 1, 0)  # one that is there
    follow(feed, 2, MAX_VIEWS)
    follow(feed, 1, MAX_VIEWS)  # the other one's
    follow(feed, 1, MAX_VIEWS + 1, outbox=sockets[-1])  # in place of what this socket followed
    assert len(feed.views) == MAX_VIEWS + 1


def test_ways_that_a_user_has_left_make_room_for_new_ones_the_oldest_first() -> None:
    timeline = Timeline()
    feed = begun(timeline)
    for view in range(3 * MAX_VIEWS):
        feed.discard(follow(feed, 1, view), "t", keep=True)
        timeline.go_on(0.1)
    assert len(feed.views) == MAX_VIEWS
    stream(feed, 3)
    back, gone = Outbox(nowhere), Outbox(nowhere)
    assert feed.add(back, "c", Subscription("t", view_key=str(3 * MAX_VIEWS - 1)), Manner(), Position(1, 1))
    assert not feed.add(gone, "c", Subscription("t", view_key="0"), Manner(), Position(1, 1))


def test_between_two_views_others_have_their_turn_and_who_comes_then_misses_nothing() -> None:
    feed, readers = begun(Timeline()), [(Outbox(nowhere), Mirror()) for _ in range(4)]
    for number, (outbox, _) in enumerate(readers[:3]):
        feed.add(outbox, "c", Subscription("t", view_key=str(number)), Manner(), None)
    turns = feed.take_in_turns(FrameRecord(epoch=1, seq=2, ts_event=0, convention="exact", delta={"n": 2}))
    next(turns)
    next(turns)  # the first one was told
    feed.discard(readers[1][0], "t")
    feed.add(readers[3][0], "c", Subscription("t", view_key="late"), Manner(), None)
    assert len(list(turns)) == 1
    feed.take(FrameRecord(epoch=1, seq=3, ts_event=0, convention="exact", delta={"n": 3}))
    for outbox, mirror in (readers[0], readers[2], readers[3]):
        while message := outbox.slots["t"].take():
            mirror.take(message)
        assert mirror.documents["t"] == {"n": 3}
