"""What ingest changed is rolled up: all of it, only it, once, whoever works side by side."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from threading import Event

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from fo_analytics.domain.calendar import MINUTE_MS, from_ms, to_ms
from fo_analytics.models import Bar, BarRollup, OfficialClose, RollupDue, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.rollups import roll_up, roll_up_due
from fo_analytics.tasks import roll_up_due as roll_up_due_task
from tests.integration.ingest import pipeline
from tests.integration.ingest.recomputed import MINUTES, assert_all_equal_to_minutes
from tests.integration.ingest.test_hardiness import CALL, SPOT, TEN, row

DAY = date(2026, 2, 2)
OPEN, CLOSE = to_ms(datetime(2026, 2, 2, 3, 45, tzinfo=UTC)), to_ms(datetime(2026, 2, 2, 10, 0, tzinfo=UTC))
OTHER = ContractKey("BANKNIFTY", "CE", date(2026, 2, 24), 60_000.0)

pytestmark = pytest.mark.usefixtures("redis_url", "few_sessions")


@pytest.fixture
def tokens() -> dict[ContractKey, int]:
    """A call, its index, and a call on another index."""
    return ensure_instruments(keys=[CALL, SPOT, OTHER], seen_on=DAY)


def take_in(token: int, *minutes: int, price: float = 100.0) -> None:
    """Let ingest commit a tick in each of these minutes after ten."""
    pipeline.send_rows([row(token, TEN + MINUTE_MS * minute, last=price, volume=6500.0 + minute) for minute in minutes])
    pipeline.drain()


def counts() -> dict[str, int]:
    """Return how many bars there are of each timeframe."""
    return {timeframe: BarRollup.objects.filter(timeframe=timeframe).count() for timeframe in MINUTES}


def five_minutes(ts: int) -> BarRollup:
    """Return the call's bar of the five minutes from `ts` on."""
    return BarRollup.objects.get(timeframe="5m", instrument__kind="CE", time=from_ms(ts))


@pytest.mark.django_db
def test_what_ingest_changed_is_marked_and_rolled_up_by_the_task(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0, 3, 7)
    mark = RollupDue.objects.get()
    assert (mark.underlying.symbol, mark.date, mark.since) == ("NIFTY", DAY, from_ms(TEN))
    assert roll_up_due_task() == 6
    assert RollupDue.objects.count() == 0
    assert counts() == {"5m": 2, "15m": 1, "30m": 1, "1h": 1, "1d": 1}
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_a_second_run_and_the_same_ticks_again_change_nothing(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0, 3, 7)
    roll_up_due()
    assert roll_up_due() == 0
    take_in(tokens[CALL], 0, 3, 7)
    assert roll_up_due() == 0
    assert roll_up(first=DAY, last=DAY) == 0


@pytest.mark.django_db
def test_later_minutes_are_rolled_up_into_buckets_begun_before(tokens: dict[ContractKey, int]) -> None:
    for minute in range(0, 90, 7):
        take_in(tokens[CALL], minute, price=100.0 + minute)
        roll_up_due()
        assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_a_late_tick_rolls_up_the_buckets_it_touches_and_none_before(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0, 21, 40)
    roll_up_due()
    before, touched = five_minutes(TEN), five_minutes(TEN + 20 * MINUTE_MS)
    BarRollup.objects.filter(timeframe="5m").update(high=1.0)
    take_in(tokens[CALL], 22, price=500.0)
    assert RollupDue.objects.get().since == from_ms(TEN + 22 * MINUTE_MS)
    roll_up_due()
    for bar in (before, touched):
        bar.refresh_from_db()
    assert (before.high, touched.high, touched.close) == (1.0, 500.0, 500.0)
    roll_up(first=DAY, last=DAY)
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_an_unworked_mark_that_says_enough_is_not_repeated_and_an_earlier_one_counts(
    tokens: dict[ContractKey, int],
) -> None:
    for minute in (30, 31, 50):
        take_in(tokens[CALL], minute)
    assert RollupDue.objects.count() == 1
    take_in(tokens[CALL], 2)
    assert set(RollupDue.objects.values_list("since", flat=True)) == {
        from_ms(TEN + 2 * MINUTE_MS),
        from_ms(TEN + 30 * MINUTE_MS),
    }
    roll_up_due()
    assert RollupDue.objects.count() == 0
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_an_official_close_rolls_its_day_up_again_and_nothing_else(tokens: dict[ContractKey, int]) -> None:
    pipeline.send_rows([row(tokens[SPOT], CLOSE - 1000, last=25_000.0)])
    pipeline.drain()
    roll_up_due()
    assert set(BarRollup.objects.values_list("close", flat=True)) == {25_000.0}
    pipeline.send_rows([row(tokens[SPOT], CLOSE + 180_000, last=25_010.5)])
    pipeline.drain()
    assert OfficialClose.objects.get().price == 25_010.5
    assert roll_up_due() == 1
    day = BarRollup.objects.get(timeframe="1d")
    assert (day.open, day.high, day.low, day.close) == (25_000.0, 25_010.5, 25_000.0, 25_010.5)
    assert day.last_at == from_ms(CLOSE + 180_000)
    assert set(BarRollup.objects.exclude(timeframe="1d").values_list("high", "close")) == {(25_000.0, 25_000.0)}
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_every_underlying_and_day_has_its_own_mark(tokens: dict[ContractKey, int]) -> None:
    next_day = [row(tokens[OTHER], TEN + 86_400_000)]
    pipeline.send_rows([row(tokens[CALL]), row(tokens[OTHER]), *next_day])
    pipeline.drain()
    marked = RollupDue.objects.order_by("pk").values_list("underlying__symbol", "date")
    assert set(marked) == {("NIFTY", DAY), ("BANKNIFTY", DAY), ("BANKNIFTY", date(2026, 2, 3))}
    assert len(marked) == 3
    assert roll_up_due() == 15
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_all_underlyings_of_a_day_are_rolled_up_by_one_statement_per_timeframe(tokens: dict[ContractKey, int]) -> None:
    for key in tokens:
        take_in(tokens[key], 0, 7)
    with CaptureQueriesContext(connection) as queries:
        assert roll_up_due() == 18
    assert sum("INSERT INTO bar_rollup" in found["sql"] for found in queries) == len(MINUTES)
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_what_is_late_in_one_underlying_leaves_the_earlier_buckets_of_others_alone(
    tokens: dict[ContractKey, int],
) -> None:
    for key in (CALL, OTHER):
        take_in(tokens[key], 0, 40)
    roll_up_due()
    BarRollup.objects.filter(timeframe="5m", time=from_ms(TEN)).update(high=1.0)
    take_in(tokens[CALL], 1)
    take_in(tokens[OTHER], 41)
    roll_up_due()
    highs = BarRollup.objects.filter(timeframe="5m", time=from_ms(TEN)).values_list("instrument__token", "high")
    assert dict(highs) == {tokens[CALL]: 100.0, tokens[OTHER]: 1.0}


def roll_up_and_break_off() -> None:
    """Roll up, and end before it is committed."""
    with transaction.atomic():
        assert roll_up_due() == 5
        raise KeyboardInterrupt


@pytest.mark.django_db
def test_work_that_was_interrupted_is_still_due(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0)
    with pytest.raises(KeyboardInterrupt):
        roll_up_and_break_off()
    assert counts() == dict.fromkeys(MINUTES, 0)
    assert RollupDue.objects.count() == 1
    assert roll_up_due() == 5


# ---------------------------------------------------------------- side by side


@contextmanager
def busy_worker() -> Iterator[Future[int]]:
    """Another worker that has rolled everything up and is not committed yet, until the block ends."""
    rolled, commit = Event(), Event()

    def work() -> int:
        with transaction.atomic():
            written = roll_up_due()
            rolled.set()
            assert commit.wait(30)
        return written

    with side_by_side() as submit:
        future = submit(work)
        assert rolled.wait(30)
        try:
            yield future
        finally:
            commit.set()
        future.result(timeout=30)


@contextmanager
def side_by_side() -> Iterator[Callable[[Callable[[], int]], "Future[int]"]]:
    """Threads with connections of their own."""

    def in_its_own_connection(work: Callable[[], int]) -> int:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        yield lambda work: pool.submit(in_its_own_connection, work)


@pytest.mark.django_db(transaction=True)
def test_ingest_does_not_wait_for_a_worker_and_its_minutes_are_not_lost(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0)
    with busy_worker() as worker:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        take_in(tokens[CALL], 1, price=200.0)
        assert not worker.done()
    assert five_minutes(TEN).close == 100.0
    assert RollupDue.objects.count() == 1
    assert roll_up_due() == 5
    assert five_minutes(TEN).close == 200.0
    assert_all_equal_to_minutes()


@pytest.mark.django_db(transaction=True)
def test_a_second_worker_leaves_an_underlying_to_the_first_or_waits_if_told(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0)
    with side_by_side() as submit:
        with busy_worker() as worker:
            assert roll_up_due() == 0
            patient = submit(lambda: roll_up_due(wait=True))
            assert not worker.done()
            with pytest.raises(TimeoutError):
                patient.result(timeout=0.3)
        assert worker.result() == 5
        assert patient.result(timeout=30) == 0
    assert_all_equal_to_minutes()


@pytest.mark.django_db(transaction=True)
def test_an_underlying_that_is_busy_does_not_keep_the_others_waiting(tokens: dict[ContractKey, int]) -> None:
    for key in (CALL, OTHER):
        take_in(tokens[key], 0)
    with side_by_side() as submit, transaction.atomic():
        Underlying.objects.select_for_update(no_key=True).get(symbol="NIFTY")
        assert submit(roll_up_due).result(timeout=30) == 5
    assert RollupDue.objects.get().underlying.symbol == "NIFTY"
    assert roll_up_due() == 5
    assert_all_equal_to_minutes()


@pytest.mark.django_db(transaction=True)
def test_patient_workers_that_want_the_same_underlyings_never_block_each_other_for_good(
    tokens: dict[ContractKey, int],
) -> None:
    with side_by_side() as submit:
        for minute in range(8):
            for key in tokens:
                take_in(tokens[key], minute)
            workers = [submit(lambda: roll_up_due(wait=True)) for _ in range(4)]
            assert sum(worker.result(timeout=30) for worker in workers) > 0
    assert_all_equal_to_minutes()


@pytest.mark.django_db(transaction=True)
def test_a_mark_that_ingest_counts_on_is_not_taken_before_its_minutes_are_there(tokens: dict[ContractKey, int]) -> None:
    take_in(tokens[CALL], 0)
    with side_by_side() as submit:
        with transaction.atomic():
            take_in(tokens[CALL], 1, price=200.0)
            assert RollupDue.objects.count() == 1
            worker = submit(roll_up_due)
            with pytest.raises(TimeoutError):
                worker.result(timeout=0.3)
        assert worker.result(timeout=30) == 5
    assert five_minutes(TEN).close == 200.0
    assert RollupDue.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_workers_beside_a_running_ingest_end_in_what_the_minutes_say(tokens: dict[ContractKey, int]) -> None:
    fed = Event()

    def work() -> int:
        written = 0
        while not fed.wait(0.02):
            written += roll_up_due()
        return written

    service = make_ingest(shard=0)
    with side_by_side() as submit:
        workers = [submit(work) for _ in range(2)]
        try:
            for minute in range(16):
                pipeline.send_rows(
                    [
                        row(token, TEN + MINUTE_MS * minute, last=100.0 + minute, volume=6500.0)
                        for token in tokens.values()
                    ]
                )
                pipeline.drain(service)
        finally:
            fed.set()
        assert sum(worker.result(timeout=30) for worker in workers) > 0
    roll_up_due()
    assert Bar.objects.count() == 48
    assert RollupDue.objects.count() == 0
    assert_all_equal_to_minutes()
