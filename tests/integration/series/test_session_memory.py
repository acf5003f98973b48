"""What is remembered of sessions: true as long as nobody has committed rows of them, and never for longer than that."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import count

import pytest
import redis
from django.test import override_settings

from fo_analytics.freshness import known, note_everything, note_stored
from fo_analytics.session_memory import SECONDS, SessionMemory
from tradingviz.core import cache
from tradingviz.core.redis import shared_client, sync_client

MONDAY, TUESDAY = date(2026, 8, 3), date(2026, 8, 4)
Key = tuple[date, str]


class Reader:
    """Reads values that are all different, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[Key]] = []
        self._numbers = count()

    def __call__(self, missing: list[Key]) -> list[int]:
        self.asked.append(missing)
        return [next(self._numbers) for _ in missing]


@pytest.fixture
def read() -> Reader:
    return Reader()


@pytest.fixture
def memory(redis_url: str) -> Iterator[SessionMemory[str, int]]:
    sync_client().flushall()
    yield SessionMemory(most=4)
    cache.forget_all()


def test_only_what_is_not_remembered_is_read_and_all_of_it_at_once(
    memory: SessionMemory[str, int], read: Reader
) -> None:
    first = memory.of("NIFTY", [(MONDAY, "a"), (TUESDAY, "a")], read)
    again = memory.of("NIFTY", [(TUESDAY, "a"), (MONDAY, "b"), (MONDAY, "a"), (MONDAY, "b")], read)
    assert read.asked == [[(MONDAY, "a"), (TUESDAY, "a")], [(MONDAY, "b")]]
    assert (first, again) == ([0, 1], [1, 2, 0, 2])


def test_a_commit_makes_its_own_day_forgotten_and_no_other(memory: SessionMemory[str, int], read: Reader) -> None:
    both = [(MONDAY, "a"), (TUESDAY, "a")]
    memory.of("NIFTY", both, read)
    note_stored(sync_client(), [("NIFTY", TUESDAY), ("BANKNIFTY", MONDAY)])
    assert memory.of("NIFTY", both, read) == [0, 2]
    note_everything(sync_client())
    assert memory.of("NIFTY", both, read) == [3, 4]


def test_a_commit_while_it_is_read_is_noticed(memory: SessionMemory[str, int], read: Reader) -> None:
    def overtaken(missing: list[Key]) -> list[int]:
        found = read(missing)
        note_stored(sync_client(), [("NIFTY", MONDAY)])
        return found

    assert memory.of("NIFTY", [(MONDAY, "a")], overtaken) == [0]
    assert memory.of("NIFTY", [(MONDAY, "a")], read) == [1]


def test_underlyings_are_told_apart(memory: SessionMemory[str, int], read: Reader) -> None:
    assert memory.of("NIFTY", [(MONDAY, "a")], read) != memory.of("SENSEX", [(MONDAY, "a")], read)


def test_the_least_recently_used_go_first(memory: SessionMemory[str, int], read: Reader) -> None:
    for key in ("a", "b", "c", "d", "a", "e"):
        memory.of("NIFTY", [(MONDAY, key)], read)
    for key in ("a", "c", "d", "e"):
        memory.of("NIFTY", [(MONDAY, key)], read)
    assert len(read.asked) == 5
    memory.of("NIFTY", [(MONDAY, "b")], read)
    assert read.asked[5:] == [[(MONDAY, "b")]]


def test_more_than_is_kept_is_answered_all_the_same(memory: SessionMemory[str, int], read: Reader) -> None:
    wanted = [(MONDAY, str(number)) for number in range(9)]
    assert memory.of("NIFTY", wanted, read) == list(range(9))
    assert memory.of("NIFTY", wanted[5:], read) == [5, 6, 7, 8]


def test_values_are_weighed(redis_url: str, read: Reader) -> None:
    heavy: SessionMemory[str, int] = SessionMemory(most=5, weigh=lambda value: value)
    assert heavy.of("NIFTY", [(MONDAY, key) for key in "abcd"], read) == [0, 1, 2, 3]
    assert heavy.of("NIFTY", [(MONDAY, "c"), (MONDAY, "d")], read) == [2, 3]
    assert heavy.of("NIFTY", [(MONDAY, "a"), (MONDAY, "b")], read) == [4, 5]


def test_after_its_time_it_is_read_again(
    memory: SessionMemory[str, int], read: Reader, pass_time: Callable[[float], None]
) -> None:
    for seconds, expected in ((0.0, 0), (SECONDS - 1, 0), (1.0, 1)):
        pass_time(seconds)
        assert memory.of("NIFTY", [(MONDAY, "a")], read) == [expected]


def test_without_redis_nothing_is_remembered(memory: SessionMemory[str, int], read: Reader) -> None:
    memory.of("NIFTY", [(MONDAY, "a")], read)
    shared_client.cache_clear()
    with override_settings(REDIS_URL="redis://127.0.0.1:1"), pytest.raises(redis.RedisError):
        shared_client().ping()
    with override_settings(REDIS_URL="redis://127.0.0.1:1"):
        found = [memory.of("NIFTY", [(MONDAY, "a")], read) for _ in range(2)]
    shared_client.cache_clear()
    assert found == [[1], [2]]


def test_a_redis_that_did_not_answer_when_the_answer_was_begun_is_not_asked_again(
    memory: SessionMemory[str, int], read: Reader
) -> None:
    memory.of("NIFTY", [(MONDAY, "a")], read)
    with known(None):
        assert memory.of("NIFTY", [(MONDAY, "a")], read) == [1]
    assert memory.of("NIFTY", [(MONDAY, "a")], read) == [0]


def test_nothing_is_asked_for_nothing(memory: SessionMemory[str, int], read: Reader) -> None:
    assert memory.of("NIFTY", [], read) == []
    assert read.asked == []
