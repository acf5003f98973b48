"""Repair by the beat: what it asks for, how often, and that it minds nobody's absence."""

import logging

import pytest

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.ingest.service import IngestService
from fo_analytics.models import Repair, RepairOutcome, Underlying
from fo_analytics.services import backfill
from fo_analytics.services.backfill import repair_holes
from fo_analytics.services.coverage import refresh_coverage
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.tasks import repair_holes as repair_task
from streaming.ticker.client import TickerClient
from streaming.ticker.stream import TickProducer
from tests.api.market import forget_everything
from tests.integration.backfill.day import (
    FIRST,
    LAST,
    MINUTE,
    MONDAY,
    NIGHT,
    NOW,
    RARE,
    STOPS,
    SYMBOL,
    candles_of,
    expected,
    morning,
    stored,
    traded,
    without_hole,
)
from tests.integration.backfill.ticker_service import TickerService, failing
from tests.integration.ingest import pipeline
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url")


@pytest.fixture
def ingest() -> IngestService:
    """An ingest that has taken in a morning with a hole, and shows that it lives."""
    forget_everything()
    pipeline.send(without_hole(morning()))
    service = pipeline.drain()
    service.beat()
    refresh_coverage(first=MONDAY, last=MONDAY)
    return service


def look(service: IngestService, client: TickerClient, now_ms: int = NOW) -> int:
    """Look for holes while an ingest lives, whatever the time; return the ticks sent."""
    service.beat()
    return repair_holes(now_ms=now_ms, client=client)


def row() -> Repair:
    """Return the only attempt."""
    return Repair.objects.get()


def test_a_hole_of_today_is_filled(ingest: IngestService, ticker: TickerService, client: TickerClient) -> None:
    ticker.candles = candles_of(morning())
    assert look(ingest, client) > 0
    pipeline.drain(ingest)
    assert traded(stored(FIRST, LAST), spot_tokens()) == expected(ticker.candles, FIRST, LAST)
    assert (row().outcome, row().attempts, row().candles) == (RepairOutcome.SENT, 1, candles_sent(ticker))
    asked = len(ticker.asked)
    assert look(ingest, client) == 0
    assert len(ticker.asked) == asked


def spot_tokens() -> set[int]:
    """Return the token of the index."""
    return set(Underlying.objects.get(symbol=SYMBOL).instruments.filter(kind="SPOT").values_list("token", flat=True))


def candles_sent(ticker: TickerService) -> int:
    """Return how many candles were asked for."""
    return len(expected(ticker.candles, FIRST - MINUTE, LAST + MINUTE))


def test_a_hole_that_cannot_be_filled_is_asked_for_less_and_less_often(
    ingest: IngestService, ticker: TickerService, client: TickerClient
) -> None:
    asked: list[int] = []
    for minute in range(NOW, NOW + 80 * MINUTE, MINUTE):
        before = len(ticker.asked)
        look(ingest, client, minute)
        asked += [query_minute(minute)] * (len([q for q in ticker.asked[before:] if q["to"] == str(LAST + 2 * MINUTE)]))
    assert asked == [0, 5, 15, 35, 75]
    assert Repair.objects.get(first_minute=from_ms(FIRST)).outcome == RepairOutcome.NOTHING


def query_minute(now_ms: int) -> int:
    """Return minutes since the first look."""
    return (now_ms - NOW) // MINUTE


def test_a_pause_is_never_longer_than_a_day() -> None:
    from fo_analytics.services.repairs import LONGEST_PAUSE, pause

    assert [pause(n).total_seconds() / 60 for n in (0, 1, 2, 8)] == [5, 10, 20, 1280]
    assert pause(9) == pause(1_000) == LONGEST_PAUSE


def test_what_is_left_of_a_hole_rests_like_the_hole(
    ingest: IngestService, ticker: TickerService, client: TickerClient
) -> None:
    missing = range(FIRST + 5 * MINUTE, FIRST + 8 * MINUTE, MINUTE)
    every = candles_of(morning())
    ticker.candles = {token: [c for c in rows if c[0] not in missing] for token, rows in every.items()}
    look(ingest, client)
    pipeline.drain(ingest)
    asked = len(ticker.asked)
    look(ingest, client, NOW + 4 * MINUTE)
    new = [query for query in ticker.asked[asked:] if int(query["from"]) < LAST]
    assert new == []
    ticker.candles = every
    look(ingest, client, NOW + 6 * MINUTE)
    pipeline.drain(ingest)
    # Of what trades every seventh minute, only the sum is certain: nobody can tell how much of it belongs where.
    rare = ensure_instruments(keys=[RARE], seen_on=MONDAY)[RARE]
    filled, right = traded(stored(FIRST, LAST), spot_tokens()), expected(every, FIRST, LAST)
    assert filled.keys() == right.keys()
    assert {key for key in right if filled[key] != right[key]} <= {key for key in right if key[0] == rare}
    assert sum(bar[4] for key, bar in filled.items() if key[0] == rare) == 195 * 3
    assert Repair.objects.get(first_minute=from_ms(missing[0])).attempts == 2


def test_a_feed_that_is_away_for_long_is_repaired_while_it_is_and_as_a_whole_in_the_end(
    ticker: TickerService, client: TickerClient
) -> None:
    forget_everything()
    day = morning()
    stops, returns = STOPS, STOPS + 9 * MINUTE
    ticker.candles = candles_of(day)
    service = make_ingest(shard=0)
    pipeline.send([item for item in day if item[0] < stops])
    refresh_after(service)
    back = [item for item in day if item[0] >= returns]
    for now in range(stops + 90_000, returns + 6 * MINUTE, 30_000):
        pipeline.send([item for item in back if now - 30_000 <= item[0] < now])
        pipeline.drain(service)
        look(service, client, now)
        pipeline.drain(service)
    first, last = stops // MINUTE * MINUTE, returns // MINUTE * MINUTE
    assert traded(stored(first, last), spot_tokens()) == expected(ticker.candles, first, last)
    assert not any(bar["flags"] for bar in stored().values())


def refresh_after(service: IngestService) -> None:
    """Take everything in and count it."""
    pipeline.drain(service)
    refresh_coverage(first=MONDAY, last=MONDAY)


def test_a_ticker_that_is_away_is_one_line_in_the_log_and_no_attempt(
    ingest: IngestService, ticker: TickerService, client: TickerClient, caplog: pytest.LogCaptureFixture
) -> None:
    ticker.respond = failing(503)
    for number in range(3):
        caplog.clear()
        assert look(ingest, client, NOW + number * MINUTE) == 0
        (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert record.getMessage().startswith("holes wait: the ticker service at 127.0.0.1:")
        assert record.exc_info is None
    assert (row().outcome, row().attempts) == (RepairOutcome.FAILED, 0)
    ticker.respond = lambda handler: False
    ticker.candles = candles_of(morning())
    assert look(ingest, client, NOW + 3 * MINUTE) > 0


def test_of_two_at_once_one_asks(ingest: IngestService, ticker: TickerService, client: TickerClient) -> None:
    ticker.candles = candles_of(morning())
    others: list[int] = []

    def meanwhile(handler: object) -> bool:
        if not others:
            others.append(-1)
            others[0] = look(ingest, client)
        return False

    ticker.respond = meanwhile
    assert look(ingest, client) > 0
    assert len(ticker.asked) == 1


def test_an_underlying_nobody_fed_for_a_week_is_left_alone(
    ingest: IngestService, ticker: TickerService, client: TickerClient
) -> None:
    assert look(ingest, client, NOW + 9 * 86_400_000) == 0
    assert ticker.asked == []


def test_days_before_the_first_stored_one_are_left_alone_and_the_two_before_today_are_not(
    ingest: IngestService, ticker: TickerService, client: TickerClient
) -> None:
    look(ingest, client, NIGHT)
    assert days_asked(ticker) == {"2026-02-02"}
    ticker.asked.clear()
    look(ingest, client, NIGHT + 3 * 86_400_000)  # Thursday night
    assert days_asked(ticker) == {"2026-02-03", "2026-02-04", "2026-02-05"}


def days_asked(ticker: TickerService) -> set[str]:
    """Return the days that were asked for."""
    return {str(ist_date(from_ms(int(query["from"])))) for query in ticker.asked}


def test_without_an_ingest_nothing_is_asked_for(
    ingest: IngestService, ticker: TickerService, client: TickerClient
) -> None:
    sync_client().delete("ingest:0")
    assert repair_holes(now_ms=NOW, client=client) == 0
    assert ticker.asked == []


def test_an_ingest_that_is_behind_gets_its_own_ticks_first(
    ingest: IngestService, ticker: TickerService, client: TickerClient
) -> None:
    producer = TickProducer(sync_client())
    for _ in range(backfill.BEHIND):
        producer.send([])
    assert look(ingest, client) == 0
    assert ticker.asked == []


def test_the_task_looks_at_the_clock_and_finds_nothing_to_do_in_an_empty_database(ticker: TickerService) -> None:
    assert repair_task() == 0
    assert ticker.asked == []
