"""Deltas by example: what the protocol's page promises in words."""

import math

import pytest

from streaming.domain.conflation import Slot
from streaming.domain.rate import RateWindow
from streaming.domain.sequencing import Position, Step, apply, diff, step


def test_only_the_leaves_that_changed_are_in_a_patch() -> None:
    old = {"spot": 25700.0, "strikes": {"25700": {"call": {"iv": 0.11, "oi": 10}, "put": {"iv": 0.12}}}}
    new = {"spot": 25700.0, "strikes": {"25700": {"call": {"iv": 0.13, "oi": 10}, "put": {"iv": 0.12}}}}
    assert diff(old, new) == {"strikes": {"25700": {"call": {"iv": 0.13}}}}


def test_a_key_that_vanished_is_listed_at_its_level() -> None:
    assert diff({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 2}}) == {"a": {"-": ["x"]}, "-": ["b"]}


def test_null_is_a_value_and_not_the_absence_of_one() -> None:
    assert diff({"iv": 0.1}, {"iv": None}) == {"iv": None}
    assert diff({}, {"iv": None}) == {"iv": None}
    assert apply({"iv": 0.1}, {"iv": None}) == {"iv": None}


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), (1, 1.0), ([1], [True]), ([{"a": 1}], [{"a": True}])])
def test_values_that_python_calls_equal_and_json_does_not_are_changes(old: object, new: object) -> None:
    assert diff({"k": old}, {"k": new}) == {"k": new}


def test_nan_that_stays_nan_is_no_change() -> None:
    assert diff({"k": math.nan, "l": [math.nan]}, {"k": math.nan, "l": [math.nan]}) == {}


@pytest.mark.parametrize("document", [{"-": 1}, {"a": {"-": 1}}, {"a": {"b": {"-": {}}}}])
def test_the_reserved_key_is_refused_at_every_level(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="may not use"):
        diff({}, document)


def test_a_level_that_takes_the_place_of_a_leaf_and_back() -> None:
    leaf, level = {"k": 5}, {"k": {"x": 1}}
    assert apply(leaf, diff(leaf, level)) == level
    assert apply(level, diff(level, leaf)) == leaf


def test_untouched_levels_are_shared() -> None:
    old = {"a": {"x": 1}, "b": {"y": 2}}
    assert apply(old, {"b": {"y": 3}})["a"] is old["a"]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Position(5, 4), Step.APPLY),
        (Position(5, 3), Step.SKIP),
        (Position(5, 1), Step.SKIP),
        (Position(4, 9), Step.SKIP),
        (Position(5, 5), Step.GAP),
        (Position(6, 1), Step.GAP),
        (Position(6, 4), Step.GAP),
    ],
)
def test_a_frame_continues_repeats_or_reveals_a_gap(frame: Position, expected: Step) -> None:
    assert step(Position(5, 3), frame) is expected


def test_as_many_unsent_deltas_as_it_holds_are_kept_and_one_more_makes_a_snapshot_of_all() -> None:
    slot: Slot[str] = Slot(lambda: "snapshot", capacity=1)
    assert slot.take() == "snapshot"
    slot.offer("delta 1")
    assert slot.take() == "delta 1"
    slot.offer("delta 2")
    slot.offer("delta 3")
    assert slot.take() == "snapshot"
    assert slot.take() is None


def test_a_slot_without_a_state_yet_sends_the_snapshot_once_there_is_one() -> None:
    states: list[str] = []
    slot: Slot[str] = Slot(lambda: states[-1] if states else None)
    assert slot.take() is None
    slot.offer("a delta nobody could apply")
    assert slot.take() is None
    states.append("snapshot")
    assert slot.take() == "snapshot"


def test_the_rate_is_counted_over_any_second_and_not_by_the_clock() -> None:
    window = RateWindow(3)
    assert [window.allow(t) for t in (0.0, 0.9, 0.95, 0.99)] == [True, True, True, False]
    assert window.allow(1.0)
    assert not window.allow(1.5)
    assert window.allow(1.95)
