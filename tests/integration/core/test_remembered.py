"""What is remembered in a process, while it is forgotten: nothing of before comes back."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import pytest

from fo_analytics.freshness import StoredVersion, note_everything
from tradingviz.core.cache import Cache, forget_all, forgettable, remembered
from tradingviz.core.redis import sync_client

PATIENCE = 30
DAY = date(2026, 8, 3)


class Source:
    """What is read, and a reader that can be held up in the middle of it."""

    def __init__(self) -> None:
        self.value = "old"
        self.is_slow = True
        self.reading, self.go_on = threading.Event(), threading.Event()

    def read(self) -> str:
        """Return what there was when reading began; the first reader takes until it is told to go on."""
        found, slow, self.is_slow = self.value, self.is_slow, False
        if slow:
            self.reading.set()
            assert self.go_on.wait(PATIENCE)
        return found


class Gate:
    """Something to be forgotten that takes its time, once."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def clear(self) -> None:
        """Forget."""
        self.reached.set()
        assert self.go_on.wait(PATIENCE)


def test_what_was_being_read_when_all_was_forgotten_is_not_remembered() -> None:
    source = Source()
    ask = remembered(seconds=60)(source.read)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask)
        assert source.reading.wait(PATIENCE)
        source.value = "new"
        forget_all()
        source.go_on.set()
        assert first.result(PATIENCE) == "old"
    assert ask() == "new"


def test_a_slow_reader_of_before_does_not_replace_what_was_read_since() -> None:
    source = Source()
    ask = remembered(seconds=60)(source.read)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask)
        assert source.reading.wait(PATIENCE)
        source.value = "new"
        forget_all()
        assert ask() == "new"
        source.go_on.set()
        first.result(PATIENCE)
    assert ask() == "new"


def test_while_all_is_being_forgotten_nothing_is_made_of_what_was_remembered_before() -> None:
    """Stores are emptied one after the other; here it is stuck between an answer's and that of what it is made of."""
    value, parts = ["old"], list[Callable[[], str]]()
    outer = remembered(seconds=60)(lambda: parts[0]())
    gate = forgettable(Gate())
    parts.append(remembered(seconds=60)(lambda: value[0]))
    assert outer() == "old"
    value[0] = "new"
    with ThreadPoolExecutor(1) as pool:
        forgetting = pool.submit(forget_all)
        assert gate.reached.wait(PATIENCE)
        during = outer()
        gate.go_on.set()
        forgetting.result(PATIENCE)
    assert (during, outer()) == ("new", "new")


def test_answers_are_remembered_as_long_as_nobody_forgets() -> None:
    calls: list[int] = []

    def square(*, of: int) -> int:
        calls.append(of)
        return of * of

    ask = remembered(seconds=60, answers=2)(square)
    assert [ask(of=3), ask(of=3), ask(of=4), ask(of=5), ask(of=3)] == [9, 9, 16, 25, 9]
    assert calls == [3, 4, 5, 3]


@pytest.mark.parametrize("asked", [["b", "c"], ["c", "b", "a"]])
def test_no_body_of_a_new_version_is_made_of_what_was_read_before_it(redis_url: str, asked: Sequence[str]) -> None:
    """One thread reads reference data when it changes; others ask for bodies made of them, before and after it ends."""
    note_everything(sync_client())
    source, kept = Source(), Cache(sync_client, max_bytes=1_000, clock=lambda: 0.0)
    reference = remembered(seconds=60)(source.read)
    body = partial(kept.get, version=StoredVersion("NIFTY", DAY, DAY), load=lambda: reference().encode(), seconds=60)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(body, "a")
        assert source.reading.wait(PATIENCE)
        source.value = "new"
        note_everything(sync_client())
        before = body(asked[0])
        source.go_on.set()
        assert first.result(PATIENCE) == b"old"
    assert [before, *map(body, asked)] == [b"new"] * (1 + len(asked))
