"""What ingest does with ticks nobody should send, and after it was interrupted."""

import logging
import math
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import redis

from fo_analytics.domain.calendar import to_ms
from fo_analytics.ingest.heartbeat import read_heartbeat
from fo_analytics.ingest.service import IngestService
from fo_analytics.models import Bar, OfficialClose
from fo_analytics.replay.recording import ContractKey, read
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from streaming.publisher import Fenced
from streaming.state import read_state
from streaming.ticker.stream import FIELD, TickProducer, stream_key
from tests.integration.ingest import pipeline
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url", "few_sessions")

CALL = ContractKey("NIFTY", "CE", date(2026, 2, 3), 25_000.0)
SPOT = ContractKey("NIFTY", "SPOT")
TEN = to_ms(datetime(2026, 2, 2, 4, 30, tzinfo=UTC))  # 10:00 IST on a Monday
CLOSES = to_ms(datetime(2026, 2, 2, 10, 0, tzinfo=UTC))


@pytest.fixture
def tokens() -> dict[ContractKey, int]:
    """A call and its index."""
    return ensure_instruments(keys=[CALL, SPOT], seen_on=date(2026, 2, 2))


def row(
    token: int, ts: int = TEN, **changes: float
) -> tuple[int, int, float, float, float, float, float, float, float, None]:
    """Return a good tick on the wire with some numbers changed."""
    good = {
        "last": 100.0,
        "volume": 650.0,
        "oi": 6500.0,
        "bid": 99.9,
        "bid_qty": 65.0,
        "ask": 100.1,
        "ask_qty": 65.0,
    }
    values = {**good, **changes}
    return (token, ts, *(values[name] for name in good), None)  # type: ignore[return-value]


def dropped(service: IngestService) -> dict[str, int]:
    """Return what an ingest counted, as the world can read it."""
    service.beat()
    beat = read_heartbeat(sync_client(), shard=0)
    assert beat is not None
    return beat.dropped


def test_bad_ticks_are_counted_logged_once_per_kind_and_dropped(
    tokens: dict[ContractKey, int], caplog: pytest.LogCaptureFixture
) -> None:
    call = tokens[CALL]
    bad = [
        row(call, last=math.nan),
        row(call, bid=math.inf),
        row(call, last=-5.0),
        row(call, last=-6.0),
        row(call, ask=1e9),
        row(call, volume=-1.0),
        row(12345),
        row(call, ts=now_ms() + 3_600_000),
        row(call, ts=to_ms(datetime(2026, 1, 26, 5, 0, tzinfo=UTC))),  # a holiday
        row(call, ts=to_ms(datetime(2026, 2, 2, 2, 0, tzinfo=UTC))),  # before the open
        (call, TEN, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, None),
    ]
    pipeline.send_rows([*bad, row(call)])
    service = make_ingest(shard=0)
    with caplog.at_level(logging.WARNING):
        service.step()
        service.flush()  # until the stamp of the future has passed, the batch may hold more that is worth waiting for
    counts = dropped(service)
    assert counts == {
        "nan_price": 2,
        "negative_price": 2,
        "absurd_price": 1,
        "negative_amount": 1,
        "unknown_token": 1,
        "future_stamp": 1,
        "no_session": 1,
        "outside_session": 1,
        "empty": 1,
    }
    logged = [record.kind for record in caplog.records if hasattr(record, "kind")]
    assert sorted(logged) == sorted(set(counts) - {"empty"})
    bar = Bar.objects.get()
    assert (bar.close, bar.volume, bar.oi) == (100.0, 650, 6500)


@pytest.mark.parametrize("payload", [b"", b"\x91", b"junk", b"\x91\x93\x01\x02\x03"])
def test_a_truncated_message_is_counted_and_the_stream_goes_on(tokens: dict[ContractKey, int], payload: bytes) -> None:
    sync_client().xadd(stream_key(0), {FIELD: payload})
    pipeline.send_rows([row(tokens[CALL])])
    service = pipeline.drain()
    assert dropped(service) == {"malformed_batch": 1}
    assert Bar.objects.count() == 1


def test_a_contract_listed_while_ingest_runs_is_found() -> None:
    service = make_ingest(shard=0)
    token = ensure_instruments(keys=[CALL], seen_on=date(2026, 2, 2))[CALL]
    pipeline.send_rows([row(token)])
    pipeline.drain(service)
    assert Bar.objects.count() == 1


def test_a_contract_listed_during_its_session_joins_the_book(tokens: dict[ContractKey, int]) -> None:
    service = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL])])
    pipeline.drain(service)
    put = ContractKey("NIFTY", "PE", date(2026, 2, 3), 24_000.0)
    token = ensure_instruments(keys=[put], seen_on=date(2026, 2, 2))[put]
    pipeline.send_rows([row(token), row(tokens[CALL], TEN + 1000, volume=1300.0)])
    pipeline.drain(service)
    assert Bar.objects.count() == 2
    assert Bar.objects.get(instrument__kind="CE").volume == 1300


def test_an_ingest_that_takes_over_in_the_middle_ends_in_the_same_rows(shared_data: Path) -> None:
    file = shared_data / "nse_2026_02/index_option_chain_2026-02-02.csv.gz"
    pipeline.replay(file)
    whole = pipeline.checksums()
    Bar.objects.all().delete()
    snapshots = list(read(file))
    for snapshot in snapshots:
        pipeline.send([snapshot])
        pipeline.drain()  # a new process for every snapshot
    assert len(snapshots) > 10
    assert pipeline.checksums() == whole


def test_ticks_read_but_not_committed_come_again(tokens: dict[ContractKey, int]) -> None:
    pipeline.send_rows([row(tokens[CALL])])
    crashed = make_ingest(shard=0)
    crashed.read()
    assert Bar.objects.count() == 0
    assert TickProducer(sync_client()).backlog() == 1
    pipeline.drain()
    assert Bar.objects.count() == 1


def test_the_state_is_written_before_the_ticks_are_acknowledged(tokens: dict[ContractKey, int]) -> None:
    pipeline.send_rows([row(tokens[CALL]), row(tokens[SPOT], last=25_050.0)])
    pipeline.drain()
    assert TickProducer(sync_client()).backlog() == 0
    state = read_state(sync_client(), "chain:NIFTY:2026-02-03")
    assert state is not None
    assert (state.seq, state.ts_event) == (1, TEN)
    assert state.document["strikes"]["25000"]["call"]["last"] == 100.0
    underlying = read_state(sync_client(), "underlying:NIFTY")
    assert underlying is not None
    assert underlying.document["spot"] == 25_050.0


def test_an_index_tick_after_the_close_is_the_official_close(tokens: dict[ContractKey, int]) -> None:
    close, spot = CLOSES, tokens[SPOT]
    pipeline.send_rows([row(spot, close - 1000, last=25_000.0), row(spot, close + 180_000, last=25_010.5)])
    pipeline.drain()
    assert OfficialClose.objects.get().price == 25_010.5
    assert Bar.objects.get().close == 25_000.0


def shown_of_nifty() -> tuple[object, object, int]:
    """Return spot and official close as they are published, and the stamp of that."""
    state = read_state(sync_client(), "underlying:NIFTY")
    assert state is not None
    assert state.document["ts_event"] == state.ts_event
    return state.document["spot"], state.document["official_close"], state.ts_event


@pytest.mark.parametrize("at_once", [True, False])
def test_the_official_close_is_published_as_soon_as_it_is_heard(tokens: dict[ContractKey, int], at_once: bool) -> None:
    """In the batch of the last minute, or by a process that begins after it, which has its book from the database."""
    last, spot, close = CLOSES - 1000, tokens[SPOT], CLOSES + 180_000
    rows = [row(spot, last, last=25_000.0), row(tokens[CALL], last)]
    pipeline.send_rows(rows if not at_once else [*rows, row(spot, close, last=25_010.5)])
    pipeline.drain()
    if not at_once:
        assert shown_of_nifty() == (25_000.0, None, last)
        pipeline.send_rows([row(spot, close, last=25_010.5)])
        pipeline.drain()
    assert shown_of_nifty() == (25_000.0, 25_010.5, close)


def test_a_newer_official_close_takes_the_place_of_the_older_one(tokens: dict[ContractKey, int]) -> None:
    spot = tokens[SPOT]
    for after, price in ((60_000, 25_008.0), (300_000, 25_010.5), (120_000, 25_009.0)):
        pipeline.send_rows([row(spot, CLOSES + after, last=price)])
        pipeline.drain()
    assert shown_of_nifty()[1:] == (25_010.5, CLOSES + 300_000)


def test_a_day_replayed_again_does_not_know_its_close_before_it_comes(tokens: dict[ContractKey, int]) -> None:
    spot = tokens[SPOT]
    pipeline.send_rows([row(spot, TEN), row(spot, CLOSES + 180_000, last=25_010.5)])
    pipeline.drain()
    pipeline.send_rows([row(spot, TEN)])
    pipeline.drain()
    assert shown_of_nifty()[1:] == (None, TEN)


def test_the_official_close_is_published_again_where_redis_has_lost_it(tokens: dict[ContractKey, int]) -> None:
    spot = tokens[SPOT]
    pipeline.send_rows([row(spot, TEN), row(tokens[CALL]), row(spot, CLOSES + 180_000, last=25_010.5)])
    pipeline.drain()
    sync_client().flushall()
    make_ingest(shard=0).step()
    assert shown_of_nifty()[1:] == (25_010.5, CLOSES + 180_000)


def test_an_option_tick_after_the_close_belongs_to_the_last_minute(tokens: dict[ContractKey, int]) -> None:
    close = CLOSES
    pipeline.send_rows([row(tokens[CALL], close + 600_000), row(tokens[CALL], close + 1_000_000, last=1.0)])
    service = pipeline.drain()
    bar = Bar.objects.get()
    assert (bar.time, bar.close) == (datetime(2026, 2, 2, 9, 59, tzinfo=UTC), 100.0)
    assert dropped(service) == {"outside_session": 1}


def test_a_day_replayed_again_is_live_as_of_the_replay(tokens: dict[ContractKey, int]) -> None:
    rows = [row(tokens[CALL], TEN + 60_000 * minute, last=100.0 + minute) for minute in range(3)]
    pipeline.send_rows(rows)
    pipeline.drain()
    stored = pipeline.checksums()
    pipeline.send_rows(rows[:2])
    pipeline.drain()  # a new process: the third minute is in the database, not yet in its replay
    state = read_state(sync_client(), "chain:NIFTY:2026-02-03")
    assert state is not None
    assert (state.ts_event, state.document["strikes"]["25000"]["call"]["last"]) == (TEN + 60_000, 101.0)
    assert pipeline.checksums() == stored


def test_an_older_ingest_gives_way_to_a_newer_one(tokens: dict[ContractKey, int]) -> None:
    older = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL])])
    pipeline.drain(older)
    pipeline.send_rows([row(tokens[CALL], TEN + 1000, last=101.0)])
    pipeline.drain()  # a newer one
    pipeline.send_rows([row(tokens[CALL], TEN + 2000, last=102.0)])
    with pytest.raises(Fenced):
        pipeline.drain(older)
    # Whether it had committed by then or not: what is not acknowledged the next one takes.
    pipeline.drain()
    assert Bar.objects.get().close == 102.0


def test_a_redis_that_lost_everything_gets_its_state_back(tokens: dict[ContractKey, int], redis_url: str) -> None:
    service = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL])])
    pipeline.drain(service)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    pipeline.send_rows([row(tokens[CALL], TEN + 1000, last=101.0)])
    pipeline.drain(service)
    state = read_state(sync_client(), "chain:NIFTY:2026-02-03")
    assert state is not None
    assert state.document["strikes"]["25000"]["call"]["last"] == 101.0
