"""What an ingest that begins again finds: the state it left, exactly, and nobody else at work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from unittest.mock import MagicMock

import pytest
import redis
from django.db import OperationalError, connections

from fo_analytics.domain.calendar import to_ms
from fo_analytics.ingest.ownership import Ownership
from fo_analytics.models import Bar, Instrument, RollupDue, TradingSession
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.sessions import session_changed
from streaming.state import read_state
from streaming.ticker.stream import GROUP, TickProducer, stream_key
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import CALL, SPOT, TEN, dropped, row
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url")


@pytest.fixture
def tokens() -> dict[ContractKey, int]:
    """A call and its index."""
    return ensure_instruments(keys=[CALL, SPOT], seen_on=date(2026, 2, 2))


@contextmanager
def another_process(claim: Callable[[Ownership], object]) -> Iterator[None]:
    """Hold a claim by a connection of its own, as another process would."""
    held, done = threading.Event(), threading.Event()

    def work() -> None:
        claims = Ownership()
        claim(claims)
        held.set()
        done.wait(60)
        claims.release()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert held.wait(30)
        yield
    finally:
        done.set()
        thread.join()


def test_ticks_of_one_stamp_end_in_the_same_bar_with_and_without_a_restart(tokens: dict[ContractKey, int]) -> None:
    """Feeds stamp whole seconds: only the day's volume tells which price was the last one."""
    token = tokens[CALL]
    first = [row(token, last=100.0, volume=650.0, bid=99.0), row(token, last=101.0, volume=1300.0, bid=98.0)]
    second = [row(token, last=102.0, volume=975.0, bid=97.0), row(token, last=90.0, volume=325.0, bid=96.0)]
    pipeline.send_rows(first + second)
    pipeline.drain()
    whole = Bar.objects.get()
    assert (whole.open, whole.close, whole.bid) == (90.0, 101.0, 98.0)
    Bar.objects.all().delete()
    for rows in (first, second):
        pipeline.send_rows(rows)
        pipeline.drain()  # a new process each time
    again = Bar.objects.get()
    for field in Bar._meta.concrete_fields:
        assert getattr(again, field.attname) == getattr(whole, field.attname), field.name


def test_a_minute_is_written_when_the_clock_has_passed_its_end(tokens: dict[ContractKey, int]) -> None:
    now = [TEN + 30_000]
    service = make_ingest(shard=0, clock=lambda: now[0])
    pipeline.send_rows([row(tokens[CALL])])
    for _ in range(3):
        service.step()
    assert read_state(sync_client(), "chain:NIFTY:2026-02-03") is not None, "it is live at once"
    assert (Bar.objects.count(), TickProducer(sync_client()).backlog()) == (0, 1)
    now[0] = TEN + 61_000
    service.step()  # no tick follows
    assert (Bar.objects.count(), TickProducer(sync_client()).backlog()) == (1, 0)


def test_a_minute_is_written_when_ticks_have_passed_its_end(tokens: dict[ContractKey, int]) -> None:
    service = make_ingest(shard=0, clock=lambda: TEN + 57_500)
    pipeline.send_rows([row(tokens[CALL])])
    pipeline.send_rows([row(tokens[CALL], TEN + 61_500)])
    while TickProducer(sync_client()).backlog() > 1:
        service.step()
    assert Bar.objects.count() == 1


def test_open_minutes_are_written_where_too_many_batches_wait(tokens: dict[ContractKey, int]) -> None:
    service = make_ingest(shard=0, clock=lambda: TEN + 30_000)
    producer = TickProducer(sync_client())
    for n in range(510):
        producer.send([row(tokens[CALL], TEN + n)])
    while producer.backlog() > 10:
        service.step()
    assert Bar.objects.count() == 1


def test_a_second_ingest_of_a_shard_waits_and_touches_nothing(tokens: dict[ContractKey, int]) -> None:
    pipeline.send_rows([row(tokens[CALL])])
    second = make_ingest(shard=0)
    with another_process(lambda claims: claims.take_shard(0)):
        second.step()
        assert (Bar.objects.count(), TickProducer(sync_client()).backlog()) == (0, 1)
    pipeline.drain(second)
    assert Bar.objects.count() == 1


def test_an_underlying_belongs_to_one_ingest(tokens: dict[ContractKey, int]) -> None:
    underlying = Instrument.objects.values_list("underlying", flat=True).first()
    assert underlying is not None
    pipeline.send_rows([row(tokens[CALL])])
    with another_process(lambda claims: claims.owns(underlying)):
        service = pipeline.drain()
    assert dropped(service) == {"other_shard": 1}
    assert Bar.objects.count() == 0


def test_what_a_dead_reader_of_another_name_left_is_taken_over(tokens: dict[ContractKey, int]) -> None:
    pipeline.send_rows([row(tokens[CALL])])
    client = sync_client()
    client.xgroup_create(stream_key(0), GROUP, id="0")
    client.xreadgroup(GROUP, "dead", {stream_key(0): ">"})
    pipeline.drain()
    assert Bar.objects.count() == 1


@pytest.mark.usefixtures("transactional_db")
def test_after_an_error_in_the_middle_of_a_batch_everything_comes_again(
    tokens: dict[ContractKey, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL])])
    broken = MagicMock(side_effect=OperationalError("the connection broke"))
    with monkeypatch.context() as context:
        context.setattr(service._parts.engine, "_restore", broken)
        service._step_or_recover()
    broken.assert_called_once()
    pipeline.drain(service)
    assert Bar.objects.count() == 1


def test_what_redis_lost_is_published_again_without_a_tick(tokens: dict[ContractKey, int], redis_url: str) -> None:
    pipeline.send_rows([row(tokens[CALL]), row(tokens[SPOT], last=25_050.0)])
    pipeline.drain()
    before = read_state(sync_client(), "chain:NIFTY:2026-02-03")
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    make_ingest(shard=0).step()
    after = read_state(sync_client(), "chain:NIFTY:2026-02-03")
    assert before is not None
    assert after is not None
    assert after.document == before.document
    assert after.ts_event == before.ts_event


def test_ticks_that_fill_a_hole_do_not_turn_back_what_is_live(tokens: dict[ContractKey, int]) -> None:
    service = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL], TEN + 600_000)])
    pipeline.drain(service)
    TickProducer(sync_client()).send([row(tokens[CALL], TEN, last=90.0, volume=65.0)], repairs=True)
    for ingest in (service, make_ingest(shard=0)):
        pipeline.drain(ingest)
        state = read_state(sync_client(), "chain:NIFTY:2026-02-03")
        assert state is not None
        assert (state.ts_event, state.document["strikes"]["25000"]["call"]["last"]) == (TEN + 600_000, 100.0)
    assert Bar.objects.count() == 2


def test_a_fresh_ingest_that_fills_a_hole_publishes_nothing_of_it(tokens: dict[ContractKey, int]) -> None:
    pipeline.send_rows([row(tokens[CALL], TEN + 600_000)])
    pipeline.drain()
    TickProducer(sync_client()).send([row(tokens[CALL], TEN, last=90.0, volume=65.0)], repairs=True)
    pipeline.drain()
    state = read_state(sync_client(), "chain:NIFTY:2026-02-03")
    assert state is not None
    assert state.ts_event == TEN + 600_000


@pytest.mark.usefixtures("transactional_db")
def test_hours_that_staff_change_hold_for_the_next_ticks(tokens: dict[ContractKey, int]) -> None:
    service = make_ingest(shard=0)
    evening = to_ms(datetime(2026, 2, 2, 12, 0, tzinfo=UTC))
    pipeline.send_rows([row(tokens[CALL]), row(tokens[CALL], evening)])
    pipeline.drain(service)
    assert dropped(service) == {"outside_session": 1}
    session = TradingSession.objects.get(exchange="NSE", date=date(2026, 2, 2))
    interval = session.intervals.get()
    interval.closes_at += timedelta(hours=3)
    interval.save()
    RollupDue.objects.all().delete()
    session_changed(session=session)
    assert list(RollupDue.objects.values_list("date", flat=True)) == [session.date]
    service._parts.engine.master._looked = 0.0
    pipeline.send_rows([row(tokens[CALL], evening)])
    service._step_or_recover()
    pipeline.drain(service)
    assert Bar.objects.count() == 2
