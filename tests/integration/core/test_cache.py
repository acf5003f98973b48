"""The cache of bodies: memory, then Redis, then the loader; one loads, all who ask meanwhile wait."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from tradingviz.core.cache import Cache, forget_all, remembered
from tradingviz.quickstart.preflight import free_port


class Counter:
    """A version that Redis has: how often the data were changed, nothing where they never were."""

    def ask(self, pipe: Pipeline) -> None:
        pipe.get("changes")

    def told(self, answers: Sequence[Any]) -> str | None:
        (changes,) = answers
        return None if changes is None else str(int(changes))


VERSION = Counter()


class Counted:
    """A loader that counts its calls and says what it is told to."""

    def __init__(self, body: bytes = b"body") -> None:
        self.calls = 0
        self.body = body

    def __call__(self) -> bytes:
        self.calls += 1
        return self.body


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as found:
        found.set("changes", 1)
        yield found


def cache(client: redis.Redis, *, now: Callable[[], float] = lambda: 0.0, max_bytes: int = 1_000) -> Cache:
    """Return a cache of one process."""
    return Cache(lambda: client, max_bytes=max_bytes, clock=now)


def test_the_second_question_is_answered_from_memory_and_another_process_s_from_redis(client: redis.Redis) -> None:
    load, here, there = Counted(), cache(client), cache(client)
    assert [here.get("k", VERSION, load, seconds=9) for _ in range(3)] == [b"body"] * 3
    assert there.get("k", VERSION, load, seconds=9) == b"body"
    assert load.calls == 1
    assert (here.stats.l1_hits, here.stats.l2_hits, here.stats.total_misses) == (2, 0, 1)
    assert (there.stats.l1_hits, there.stats.l2_hits, there.stats.total_misses) == (0, 1, 0)
    assert here.stats.hit_rate == pytest.approx(2 / 3)
    assert there.stats.hit_rate == 1


def test_a_body_ends_after_its_time_in_memory_and_in_redis(client: redis.Redis) -> None:
    now = [0.0]
    load, kept = Counted(), cache(client, now=lambda: now[0])
    kept.get("k", VERSION, load, seconds=9)
    assert not client.exists("cache:k"), "nobody has asked again"
    now[0] = 4.0
    kept.get("k", VERSION, load, seconds=9)
    assert 0 < client.pttl("cache:k") <= 5_000
    client.delete("cache:k")
    now[0] = 8.9
    kept.get("k", VERSION, load, seconds=9)
    assert load.calls == 1
    now[0] = 9.0
    kept.get("k", VERSION, load, seconds=9)
    assert load.calls == 2


def test_a_hundred_simultaneous_misses_load_once(client: redis.Redis) -> None:
    began, release = threading.Event(), threading.Event()
    calls: list[int] = []

    def slow() -> bytes:
        calls.append(1)
        began.set()
        release.wait(30)
        return b"body"

    kept = cache(client)
    with ThreadPoolExecutor(100) as pool:
        found = [pool.submit(kept.get, "k", VERSION, slow, seconds=9) for _ in range(100)]
        assert began.wait(30)
        release.set()
        assert {future.result() for future in found} == {b"body"}
    assert len(calls) == 1


@pytest.mark.parametrize("away", [True, False])
def test_a_hundred_simultaneous_misses_of_an_unknown_version_load_once_and_keep_nothing(
    client: redis.Redis, away: bool
) -> None:
    client.delete("changes")
    nowhere = redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0))
    kept = cache(nowhere if away else client)
    waiting, calls = threading.Event(), Counted()

    def load() -> bytes:
        waiting.wait(10)
        return calls()

    with ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(kept.get, "k", VERSION, load, seconds=9) for _ in range(100)]
        while pool._work_queue.qsize() or len(pool._threads) < 100:
            time.sleep(0.01)
        time.sleep(0.5)  # for the last ones to ask Redis
        waiting.set()
        assert {each.result() for each in asked} == {b"body"}
    assert calls.calls == 1
    kept.get("k", VERSION, calls, seconds=9)
    assert calls.calls == 2


def test_a_body_of_another_process_is_kept_no_longer_than_it_would_have_been_there(client: redis.Redis) -> None:
    now = [0.0]
    load, here, there = Counted(), cache(client), cache(client, now=lambda: now[0])
    for _ in range(2):
        here.get("k", VERSION, load, seconds=9)
    client.pexpire("cache:k", 3_000)
    there.get("k", VERSION, load, seconds=9)
    client.delete("cache:k")
    now[0] = 2.5
    there.get("k", VERSION, load, seconds=9)
    assert load.calls == 1
    now[0] = 3.1
    there.get("k", VERSION, load, seconds=9)
    assert load.calls == 2


def test_what_was_asked_before_everything_was_forgotten_is_not_remembered_after_it() -> None:
    asked, forgotten = threading.Event(), threading.Event()
    truth = ["old"]

    @remembered(seconds=60)
    def answer() -> str:
        found = truth[0]
        asked.set()
        forgotten.wait(10)
        return found

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(answer)
        asked.wait(10)
        truth[0] = "new"
        forget_all()
        forgotten.set()
        assert slow.result() == "old"
    assert answer() == "new"
    truth[0] = "newer"
    assert answer() == "new"


def test_a_failure_reaches_all_who_wait_and_is_not_kept(client: redis.Redis) -> None:
    kept = cache(client)

    def broken() -> bytes:
        raise LookupError("nothing there")

    for _ in range(2):
        with pytest.raises(LookupError):
            kept.get("k", VERSION, broken, seconds=9)
    assert kept.get("k", VERSION, Counted(), seconds=9) == b"body"


def test_without_redis_every_body_is_loaded_for_nobody_knows_the_version() -> None:
    gone = redis.Redis(port=1, socket_connect_timeout=0.1)
    load, kept = Counted(), cache(gone)
    assert [kept.get("k", VERSION, load, seconds=9) for _ in range(2)] == [b"body"] * 2
    assert load.calls == 2


def test_without_a_version_nothing_is_kept(client: redis.Redis) -> None:
    client.delete("changes")
    load, kept = Counted(), cache(client)
    assert [kept.get("k", VERSION, load, seconds=9) for _ in range(2)] == [b"body"] * 2
    assert load.calls == 2
    assert not client.exists("cache:k")


def test_a_change_of_the_data_ends_a_body_in_memory_and_in_redis(client: redis.Redis) -> None:
    old, new, here, there = Counted(b"old"), Counted(b"new"), cache(client), cache(client)
    for _ in range(2):
        here.get("k", VERSION, old, seconds=9)
    client.incr("changes")
    assert there.get("k", VERSION, new, seconds=9) == b"new"
    assert here.get("k", VERSION, new, seconds=9) == b"new"
    assert (old.calls, new.calls) == (1, 2)


def test_a_body_that_is_outdated_here_may_be_had_from_another_process(client: redis.Redis) -> None:
    here, there = cache(client), cache(client)
    here.get("k", VERSION, Counted(b"old"), seconds=9)
    client.incr("changes")
    for _ in range(2):
        there.get("k", VERSION, Counted(b"new"), seconds=9)
    load = Counted()
    assert here.get("k", VERSION, load, seconds=9) == b"new"
    assert load.calls == 0


def test_bodies_of_any_bytes_come_back_whole(client: redis.Redis) -> None:
    body = bytes(range(256)) + b"\n1\n"
    here, there = cache(client), cache(client)
    assert [here.get("k", VERSION, Counted(body), seconds=9) for _ in range(2)] == [body] * 2
    assert there.get("k", VERSION, Counted(), seconds=9) == body


def test_a_question_asked_for_the_first_time_is_one_round_trip(client: redis.Redis) -> None:
    kept, taken = cache(client), []
    for number in range(5):
        before = trips(client)
        kept.get(f"k{number}", VERSION, Counted(), seconds=9)
        taken.append(trips(client) - before)
    assert min(taken) == 2, "the other one asked for this number; now and then somebody else asks something"


def trips(client: redis.Redis) -> int:
    """Return how often Redis has read from its clients."""
    stats: Any = client.info("stats")
    return int(stats["total_reads_processed"])


def forget_bodies(client: redis.Redis) -> None:
    """Let Redis lose all bodies, and no version."""
    client.delete(*client.keys("cache:*") or ["cache:"])


def test_memory_is_bounded_in_bytes_and_the_least_recently_used_go_first(client: redis.Redis) -> None:
    kept, load = cache(client, max_bytes=30), Counted(b"0123456789")
    for key in ("a", "b", "c", "a", "d"):
        kept.get(key, VERSION, load, seconds=9)
    forget_bodies(client)
    for key in ("a", "c", "d"):
        kept.get(key, VERSION, load, seconds=9)
    assert load.calls == 4
    kept.get("b", VERSION, load, seconds=9)
    assert load.calls == 5


def test_a_body_larger_than_all_of_memory_is_in_redis_only(client: redis.Redis) -> None:
    kept, load = cache(client, max_bytes=5), Counted(b"0123456789")
    assert [kept.get("k", VERSION, load, seconds=9) for _ in range(2)] == [b"0123456789"] * 2
    assert load.calls == 1
    forget_bodies(client)
    kept.get("k", VERSION, load, seconds=9)
    assert load.calls == 2
