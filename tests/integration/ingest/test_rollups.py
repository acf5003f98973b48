"""Longer bars of recorded days are what their minutes say, the day of an index with its official close."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fo_analytics.domain.calendar import IST
from fo_analytics.models import (
    Bar,
    BarRollup,
    OfficialClose,
    RollupDue,
)
from fo_analytics.replay.recording import read
from fo_analytics.services.rollups import roll_up, roll_up_due
from tests.integration.ingest import pipeline
from tests.integration.ingest.recomputed import assert_all_equal_to_minutes

EXPIRY_DAY = "nse_2026_02/index_option_chain_2026-02-03.csv.gz"
QUOTED_DAY = "nse_2025_08_29/nifty_option_chain.csv.gz"


@pytest.fixture(scope="module")
def ingested(module_market: None, shared_data: Path) -> int:
    """A whole day without quotes, and forty minutes of one with them; the number of rows rolled up."""
    pipeline.send(read(shared_data / EXPIRY_DAY))
    pipeline.send(list(read(shared_data / QUOTED_DAY))[:40])
    pipeline.drain()
    return roll_up_due()


@pytest.fixture
def rolled(ingested: int, db: None) -> int:
    """The same, for one test."""
    return ingested


def test_every_bar_of_the_recorded_days_is_what_its_minutes_say(rolled: int) -> None:
    assert_all_equal_to_minutes()


def test_what_was_written_is_what_is_there(rolled: int) -> None:
    assert rolled == BarRollup.objects.count() > 70_000
    assert RollupDue.objects.count() == 0
    assert BarRollup.objects.filter(bid__isnull=False, iv__isnull=False).exists()


def test_the_last_bucket_of_the_recorded_day_is_short(rolled: int) -> None:
    last = BarRollup.objects.filter(timeframe="30m", time__date=date(2026, 2, 3)).latest("time")
    assert last.time.astimezone(IST).strftime("%H:%M") == "15:15"
    within = Bar.objects.filter(instrument=last.instrument_id, time__gte=last.time)
    assert last.volume == sum(bar.volume or 0 for bar in within)


@pytest.mark.parametrize(("symbol", "official"), [("NIFTY", 25_727.55), ("BANKNIFTY", None)])
def test_only_the_day_of_an_index_takes_the_official_close(rolled: int, symbol: str, official: float | None) -> None:
    price = OfficialClose.objects.get(underlying__symbol=symbol, date=date(2026, 2, 3)).price
    assert official in (None, price)
    spot = BarRollup.objects.filter(
        instrument__underlying__symbol=symbol, instrument__kind="SPOT", time__gte=datetime(2026, 2, 3, tzinfo=UTC)
    )
    day, hour = spot.get(timeframe="1d"), spot.filter(timeframe="1h").latest("time")
    last_minute = Bar.objects.filter(instrument=day.instrument_id).latest("time")
    assert day.time == datetime(2026, 2, 3, 9, 15, tzinfo=IST)
    assert day.close == price != hour.close
    assert hour.close == last_minute.close
    assert day.high is not None
    assert day.low is not None
    assert day.low <= price <= day.high


def test_rolling_the_days_up_again_changes_no_row(rolled: int) -> None:
    before = physical_rows()
    # Both days, and sessions without minutes beside them.
    assert roll_up(first=date(2025, 8, 29), last=date(2025, 9, 1)) == 0
    assert roll_up(first=date(2026, 2, 2), last=date(2026, 2, 3)) == 0
    assert physical_rows() == before


def physical_rows() -> dict[tuple[str, int, datetime], str]:
    """Return which transaction wrote each row: the same where nothing was written."""
    rows = BarRollup.objects.extra(select={"wrote": "xmin::text || ctid::text"})
    return {(row[0], row[1], row[2]): row[3] for row in rows.values_list("timeframe", "instrument", "time", "wrote")}
