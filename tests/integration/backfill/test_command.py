"""`manage.py backfill` as a person runs it."""

import re
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command

from fo_analytics.ingest.heartbeat import end_heartbeat
from fo_analytics.models import Repair, RollupDue
from fo_analytics.services.instruments import ensure_instruments
from tests.api.market import close_market, forget_everything
from tests.integration.backfill.day import (
    FIRST,
    LAST,
    MONDAY,
    SPOT,
    candles_of,
    expected,
    morning,
    stored,
    traded,
    without_hole,
)  # fmt: skip
from tests.integration.backfill.ticker_service import TickerService, failing
from tests.integration.ingest import pipeline
from tests.integration.ingest.recomputed import assert_all_equal_to_minutes
from tests.integration.ingest.test_commands import manage
from tests.rig.servers import release_claims
from tradingviz.core.redis import sync_client

ARGUMENTS = ("--underlying", "NIFTY", "--from", "2026-02-02", "--to", "2026-02-02")


def take_in_a_morning_with_a_hole() -> None:
    """Ingest the morning, and leave no ingest behind."""
    forget_everything()
    pipeline.send(without_hole(morning()))
    pipeline.drain()
    release_claims()
    end_heartbeat(sync_client(), shard=0)


@pytest.fixture
def market(server_environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """A morning with a hole, for child processes too; their environment."""
    take_in_a_morning_with_a_hole()
    yield server_environment
    close_market()


@pytest.fixture
def stored_morning(db: None, redis_url: str) -> None:
    """A morning with a hole, for commands in this process."""
    take_in_a_morning_with_a_hole()


@pytest.fixture
def known(db: None, redis_url: str) -> None:
    """NIFTY is known, and nothing of it is stored."""
    forget_everything()
    ensure_instruments(keys=[SPOT], seen_on=MONDAY)


def test_it_fills_commits_and_rolls_up_what_the_feed_missed(
    market: dict[str, str], ticker: TickerService, capsys: pytest.CaptureFixture[str]
) -> None:
    ticker.candles = candles_of(morning())
    done = manage({**market, "TICKER_SERVICE_URL": ticker.url}, "backfill", *ARGUMENTS, "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "no ingest of shard 0 is running: this command runs one until all is committed"
    assert re.fullmatch(
        r"NIFTY 2026-02-02 10:21 to 10:43 IST, 23 minutes of 8 contracts: 23 filled, [\d,]+ candles", said[1]
    )
    # The recording ends at 11:15: the rest of the day is a hole that the ticker service knows nothing of.
    assert said[2].endswith("11:15 to 15:29 IST, 255 minutes of 8 contracts: the ticker service has nothing")
    assert re.fullmatch(
        r"2 holes, [\d,]+ candles, [\d,]+ ticks sent in [\d.]+ s, [\d,]+ longer bars rolled up", said[3]
    )
    spots = set(ensure_instruments(keys=[SPOT], seen_on=MONDAY).values())
    assert traded(stored(FIRST, LAST), spots) == expected(ticker.candles, FIRST, LAST)
    assert RollupDue.objects.count() == 0
    assert_all_equal_to_minutes()


def test_it_asks_again_whenever_it_was_asked_before(
    stored_morning: None, ticker: TickerService, capsys: pytest.CaptureFixture[str]
) -> None:
    for attempt in (1, 2):
        call_command("backfill", *ARGUMENTS)
        assert "2 holes, 0 candles, 0 ticks sent" in capsys.readouterr().out
        assert set(Repair.objects.values_list("attempts", flat=True)) == {attempt}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--underlying", "NOFTY", "--from", "2026-02-02"], "unknown underlying 'NOFTY'; known: NIFTY"),
        (["--underlying", "NIFTY", "--from", "2026-02-02", "--to", "2026-02-01"], "--to 2026-02-01 lies before"),
        (["--underlying", "NIFTY", "--from", "2 February"], "'2 February' is not a date like 2026-02-03"),
        (["--from", "2026-02-02"], "--underlying"),
        (["--underlying", "NIFTY"], "--from"),
    ],
)
def test_what_it_cannot_do_it_says(known: None, ticker: TickerService, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("backfill", *arguments)
    assert ticker.asked == []


def test_without_a_ticker_service_it_ends_with_one_line(market: dict[str, str], ticker: TickerService) -> None:
    ticker.respond = failing(503)
    done = manage({**market, "TICKER_SERVICE_URL": ticker.url}, "backfill", *ARGUMENTS, "--wait")
    assert done.returncode == 1
    (line,) = [text for text in done.stderr.splitlines() if text.strip()]
    assert re.fullmatch(r"CommandError: the ticker service at 127.0.0.1:\d+ does not answer /history: HTTP 503", line)


def test_a_closed_day_has_nothing_to_fill(
    stored_morning: None, ticker: TickerService, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("backfill", "--underlying", "NIFTY", "--from", "2026-01-26")
    assert capsys.readouterr().out.startswith("0 holes, 0 candles, 0 ticks sent in ")
    assert ticker.asked == []
