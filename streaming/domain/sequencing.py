"""Deltas between documents, and when a frame continues what one already holds.

A document is a nested dict of JSON values with string keys; lists are leaves, replaced whole. A patch has the
same nesting and holds only what changed; the keys that vanished from a level are listed under `REMOVED` of
that level.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

Document = dict[str, Any]

REMOVED = "-"
_ABSENT = object()


class Position(NamedTuple):
    """Where a reader of a topic stands, ordered: `seq` counts from 1 within an epoch (ms of its
    beginning).
    """

    epoch: int
    seq: int


class Step(Enum):
    """What a reader does with a frame."""

    APPLY = "apply"
    SKIP = "skip"
    GAP = "gap"


def step(held: Position, frame: Position) -> Step:
    """Return APPLY for the very next frame, SKIP for one already seen, GAP where something was missed."""
    if frame <= held:
        return Step.SKIP
    return Step.APPLY if frame == (held.epoch, held.seq + 1) else Step.GAP


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    """Return the patch that turns `old` into `new`; empty where they are the same.

    1, 1.0 and true are three different values. Raises ValueError where a level of
    `new` uses the reserved key.
    """
    if REMOVED in new:
        raise ValueError(f"a document may not use the key {REMOVED!r}")
    patch: Document = {}
    # The hottest loop of ingest, tens of thousands of leaves a publication: no call for a leaf that is the same.
    for key, value in new.items():
        held = old.get(key, _ABSENT)
        if held is value:
            continue
        kind = type(value)
        if kind is dict:
            inner = diff(held if type(held) is dict else {}, value)
            if inner or type(held) is not dict:
                patch[key] = inner
        elif kind is not type(held) or (held != value if kind is not list else not _same(held, value)):
            patch[key] = value
    if not old.keys() <= new.keys():
        patch[REMOVED] = [key for key in old if key not in new]
    return patch


def apply(old: Mapping[str, Any], patch: Mapping[str, Any]) -> Document:
    """Return what `old` becomes; `old` stays as it is and shares its untouched levels with the result."""
    removed = patch.get(REMOVED, ())
    fresh = {key: value for key, value in old.items() if key not in removed} if removed else dict(old)
    for key, value in patch.items():
        if key == REMOVED:
            continue
        if isinstance(value, dict):
            held = old.get(key)
            fresh[key] = apply(held if isinstance(held, dict) else {}, value)
        else:
            fresh[key] = value
    return fresh


def _same(held: Any, value: Any) -> bool:
    """Compare JSON values strictly: Python's == takes true for 1."""
    if held is value:
        return True
    if type(held) is not type(value):
        return False
    if isinstance(value, list):
        return len(held) == len(value) and all(map(_same, held, value))
    if isinstance(value, dict):
        return held.keys() == value.keys() and all(_same(held[key], item) for key, item in value.items())
    return bool(held == value)
