"""Deltas, slots and views: for every document, every order of events and every prefix."""

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.conflation import Slot
from streaming.domain.sequencing import REMOVED, Document, apply, diff
from streaming.outbox import Message, Outbox
from streaming.state import FrameRecord, State
from streaming.topics import Projection, Subscription
from streaming.views import Feed, Manner
from tests.properties.timeline import Timeline
from tests.websocket.mirror import Mirror

# Few keys and values, so that documents often meet in them and differ in kind only: true and 1, 0 and 0.0.
KEYS = st.sampled_from(["a", "b", "c", "23500", ""])
FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0)  # no -0.0: it equals 0.0
LEAVES = st.sampled_from([None, True, False, 0, 1, 0.0, 1.0, 1.5, -1, "", "a", 10**15]) | FLOATS
LISTS = st.lists(LEAVES | st.dictionaries(KEYS, LEAVES, max_size=2), max_size=3)
VALUES = st.recursive(LEAVES | LISTS, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)
HISTORIES = st.lists(DOCUMENTS, min_size=1, max_size=8)


def exact(value: Any) -> str:
    """JSON tells 1, 1.0 and true apart, which == does not."""
    return json.dumps(value, sort_keys=True)


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return every leaf by its path; an empty level counts as a leaf."""
    if isinstance(value, dict) and value:
        return {key: leaf for name, item in value.items() for key, leaf in leaves(item, (*path, name)).items()}
    return {path: exact(value)}


@given(old=DOCUMENTS, new=DOCUMENTS)
def test_a_patch_turns_the_old_document_into_the_new_one_exactly(old: Document, new: Document) -> None:
    assert exact(apply(old, diff(old, new))) == exact(new)


@given(old=DOCUMENTS, new=DOCUMENTS)
def test_a_patch_survives_json(old: Document, new: Document) -> None:
    assert exact(apply(old, json.loads(json.dumps(diff(old, new))))) == exact(new)


@given(document=DOCUMENTS)
def test_an_equal_document_needs_no_patch(document: Document) -> None:
    assert diff(document, copy.deepcopy(document)) == {}


@given(old=DOCUMENTS, new=DOCUMENTS)
def test_a_patch_names_no_leaf_that_stayed(old: Document, new: Document) -> None:
    before, patch = leaves(old), leaves(diff(old, new))
    assert not [path for path, leaf in patch.items() if path and REMOVED not in path and before.get(path) == leaf]


@given(old=DOCUMENTS, new=DOCUMENTS)
def test_neither_diff_nor_apply_touches_its_arguments(old: Document, new: Document) -> None:
    before = exact([old, new])
    patch = diff(old, new)
    kept = exact(patch)
    apply(old, patch)
    assert (exact([old, new]), exact(patch)) == (before, kept)


@given(history=HISTORIES)
def test_snapshot_and_deltas_are_the_document_at_every_prefix(history: list[Document]) -> None:
    for start, snapshot in enumerate(history):
        held = copy.deepcopy(snapshot)
        for before, after in zip(history[start:], history[start + 1 :], strict=False):
            held = apply(held, diff(before, after))
            assert exact(held) == exact(after)


@given(reads=st.lists(st.booleans(), max_size=30), capacity=st.integers(1, 3))
def test_a_slot_never_leaves_a_hole_and_ends_at_the_latest(reads: list[bool], capacity: int) -> None:
    """The state is a counter, a snapshot is its value, a delta names the value it leads to."""
    state = 0
    slot: Slot[tuple[str, int]] = Slot(lambda: ("snapshot", state), capacity=capacity)
    seen: int | None = None
    for read in [*reads, *[True] * (capacity + 1)]:
        if read:
            taken = slot.take()
            if taken is None:
                assert seen == state
                continue
            kind, value = taken
            assert kind != "delta" or value == (seen or 0) + 1
            assert seen is None or value >= seen
            seen = value
        else:
            state += 1
            slot.offer(("delta", state))
    assert seen == state


def frames(history: list[Document], epoch: int = 7) -> list[FrameRecord]:
    """Return what a publisher writes for a history."""
    return [
        FrameRecord(epoch=epoch, seq=seq, ts_event=seq, convention="exact", delta=diff(before, after))
        for seq, (before, after) in enumerate(zip([{}, *history], history, strict=False), 1)
    ]


def only(*keys: str) -> Projection:
    """Return the projection to some keys, with something computed beside them."""

    def project(document: Document) -> Document:
        chosen = {key: document[key] for key in keys if key in document}
        return {**chosen, "count": len(document)}

    return project


async def nowhere(message: Message) -> None:
    raise AssertionError(f"nothing is sent in this test: {message}")


@given(history=HISTORIES, reads=st.lists(st.booleans(), min_size=8, max_size=8), key=KEYS)
def test_deltas_of_a_view_equal_a_fresh_projection(history: list[Document], reads: list[bool], key: str) -> None:
    """A reader takes frames now and then; up to date, it holds the projection of that moment."""
    project = only("a", key)
    outbox, mirror, feed = Outbox(nowhere), Mirror(), Feed(Timeline(), lambda: 0)
    first = State(epoch=7, seq=1, ts_event=1, convention="exact", document=history[0])
    feed.add(outbox, "c", Subscription("t", view_key=key, project=project), Manner(), None)
    feed.adopt(first)
    for frame, document, read in zip(frames(history), history, reads, strict=False):
        feed.take(frame)
        while read and (message := outbox.slots["t"].take()):
            mirror.take(message)
        if read:
            assert exact(mirror.documents["t"]) == exact(project(document))


@given(history=HISTORIES, seen=st.data())
def test_frames_repeated_or_old_change_nothing(history: list[Document], seen: st.DataObject) -> None:
    feed = Feed(Timeline(), lambda: 0)
    feed.adopt(State(epoch=7, seq=0, ts_event=0, convention="exact", document={}))
    record = frames(history)
    for index, frame in enumerate(record):
        feed.take(frame)
        feed.take(record[seen.draw(st.integers(0, index))])
    assert feed.state
    assert exact(feed.state.document) == exact(history[-1])
