"""Order books: the newest of each contract whatever the order of arrival, and views that patch as `diff` does."""

import math
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.depth_view import DepthView, book_of
from fo_analytics.domain.order_book import NewestBooks, best_first, impossible, with_best_quotes
from fo_analytics.domain.ticks import Floats, Ticks
from streaming.domain.sequencing import apply, diff

SLOTS = 4
NAN = math.nan
Book = tuple[int, int, float, tuple[float, ...]]


def cells(*levels: tuple[float, float, float]) -> tuple[float, ...]:
    """Return the thirty numbers of a book with these bids, and the last of them as the last ask."""
    flat = [number for level in levels for number in level]
    return (*flat, *[0.0] * (27 - len(flat)), *flat[-3:])


FEW = [
    cells((99.5, 65.0, 1.0)),
    cells((99.5, 65.0, NAN)),
    cells((99.5, 65.0, 1.0), (99.0, 130.0, 2.0)),
    cells((99.5, 65.0, 3.0), (0.0, 65.0, 2.0)),
    cells((100.0, 0.0, 1.0)),
]
BOOKS = st.lists(
    st.tuples(st.integers(0, SLOTS - 1), st.integers(1, 3), st.sampled_from([NAN, 0.0, 65.0]), st.sampled_from(FEW)),
    max_size=12,
)


def held_after(batches: list[list[Book]]) -> NewestBooks:
    """Return what is held after batches."""
    newest = NewestBooks(2)
    newest.grow(SLOTS)
    for batch in batches:
        slot, ts = (np.array([book[at] for book in batch], np.int64) for at in (0, 1))
        volume = np.array([book[2] for book in batch], np.float64)
        newest.add(slot, ts, volume, np.array([book[3] for book in batch], np.float64).reshape(-1, 2, 5, 3))
    return newest


def comparable(book: Book) -> tuple[float, ...]:
    """Return what decides between two books of a contract."""
    return (book[1], *(-1.0 if number != number else number for number in (book[2], *book[3])))


@given(data=st.data(), sent=BOOKS)
def test_the_newest_book_counts_whatever_the_order_and_however_often_it_comes(
    data: st.DataObject, sent: list[Book]
) -> None:
    shuffled = data.draw(st.permutations(sent + sent[: len(sent) // 2]))
    cut = data.draw(st.integers(0, len(shuffled)))
    newest = held_after([shuffled[:cut], shuffled[cut:]])
    for slot in range(SLOTS):
        of = [book for book in sent if book[0] == slot]
        best = max(of, key=comparable, default=(slot, 0, NAN, (0.0,) * 30))
        assert newest.ts[slot] == best[1]
        np.testing.assert_array_equal(newest.levels[slot].ravel(), best[3])


@given(sent=BOOKS, late=BOOKS)
def test_a_slot_is_reported_exactly_where_its_book_became_another_one(sent: list[Book], late: list[Book]) -> None:
    newest = held_after([sent])
    before = newest.ts.copy(), newest.levels.copy()
    slot, ts = (np.array([book[at] for book in late], np.int64) for at in (0, 1))
    levels = np.array([book[3] for book in late], np.float64).reshape(-1, 2, 5, 3)
    changed = newest.add(slot, ts, np.array([book[2] for book in late], np.float64), levels).tolist()
    for at in range(SLOTS):
        same = newest.ts[at] == before[0][at] and np.array_equal(newest.levels[at], before[1][at], equal_nan=True)
        assert (at in changed) is not same


def view(sent: list[Book], since: int) -> DepthView:
    """Return what is shown of two strikes after some books."""
    newest = held_after([sent])
    levels = best_first(newest.levels)
    return DepthView({"since": since}, (100.0, 100.5), newest.ts.reshape(2, 2), levels.reshape(2, 2, 2, 5, 3))


@given(histories=st.lists(st.tuples(BOOKS, st.integers(1, 2)), min_size=2, max_size=3))
def test_packed_books_and_patches_are_those_of_the_documents(histories: list[tuple[list[Book], int]]) -> None:
    for old, new in pairwise([view(sent, since) for sent, since in histories]):
        before, after = (msgspec.msgpack.decode(each.packed()) for each in (old, new))
        patch = msgspec.msgpack.decode(new.packed_patch(old))
        assert after == as_json(new.document())
        assert patch == as_json(diff(as_json(old.document()), as_json(new.document())))
        assert apply(before, patch) == after


def as_json(document: Any) -> Any:
    """Return a document as a reader of JSON has it: lists where tuples were."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(document))


def test_a_book_is_the_same_after_it_was_a_document() -> None:
    levels = np.zeros((2, 1, 2, 5, 3))
    levels[0, 0, 0, :2] = [(99.5, 65, 2), (99.0, 130, NAN)]
    shown = DepthView({}, (100.0,), np.array([[7], [0]]), levels).document()["contracts"]["100"]
    assert shown == {"call": {"ts": 7, "bids": [(99.5, 65, 2), (99.0, 130, None)], "asks": []}}
    np.testing.assert_array_equal(book_of(shown["call"]["bids"], shown["call"]["asks"]), levels[0, 0])


def one(*levels: tuple[float, float, float]) -> Floats:
    """Return one book (1, 2, 5, 3) with these bids and no asks."""
    book = np.zeros((1, 2, 5, 3))
    book[0, 0, : len(levels)] = levels
    return book


def test_levels_are_put_best_first_and_those_that_are_not_there_vanish() -> None:
    shuffled = one((99.0, 65, 1), (0.0, 0, 0), (100.0, 130, 2), (99.5, 0, 4), (98.0, 65, NAN))
    np.testing.assert_array_equal(best_first(shuffled), one((100.0, 130, 2), (99.0, 65, 1), (98.0, 65, NAN)))
    mirrored = best_first(shuffled[:, ::-1])
    assert mirrored[0, 1, :3, 0].tolist() == [98.0, 99.0, 100.0]


@pytest.mark.parametrize(
    ("level", "wrong"),
    [
        ((100.0, 65.0, 1.0), False), ((100.0, 65.0, NAN), False), ((0.0, 0.0, 0.0), False), ((1e7, 1e13, 1.0), False),
        ((NAN, 65.0, 1.0), True), ((100.0, NAN, 1.0), True), ((math.inf, 65.0, 1.0), True), ((-1.0, 65.0, 1.0), True),
        ((100.0, -65.0, 1.0), True), ((100.0, 65.0, -1.0), True), ((100.0, 65.0, math.inf), True),
        ((1.1e7, 65.0, 1.0), True), ((100.0, 1.1e13, 1.0), True),
    ],
)  # fmt: skip
def test_a_book_with_a_number_no_book_holds_is_impossible(level: tuple[float, float, float], wrong: bool) -> None:
    assert impossible(np.concatenate([one((100.0, 65, 1)), one((100.0, 65, 1), level)])).tolist() == [False, wrong]


def test_the_best_level_is_the_quote_only_of_a_side_that_the_tick_does_not_say() -> None:
    unsaid, said = np.full(3, NAN), np.array([NAN, 90.0, NAN])
    ticks = Ticks(np.arange(3), np.ones(3, np.int64), unsaid, unsaid, unsaid, said, said, unsaid, unsaid)
    quoted = with_best_quotes(ticks, np.array([1, 2]), np.concatenate([one((99.0, 65, 1)), one((98.0, 130, 1))]))
    np.testing.assert_array_equal(quoted.bid, [NAN, 90.0, 98.0])
    np.testing.assert_array_equal(quoted.bid_qty, [NAN, 90.0, 130.0])
    np.testing.assert_array_equal(quoted.ask, [NAN, 0.0, 0.0])
    assert np.isnan(ticks.bid[2])
