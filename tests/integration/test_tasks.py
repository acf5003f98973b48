"""Periodic work: what it counts, that twice is once, and that a real worker finds it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest

from fo_analytics.domain.calendar import from_ms
from fo_analytics.models import Bar, BarCoverage
from fo_analytics.tasks import refresh_recent_coverage
from tests.api.market import FIRST, LAST, close_market, feed, forget_everything, ist, list_contracts, snapshot
from tradingviz.quickstart.processes import end_child, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
INSTRUMENTS = len(snapshot(FIRST)[1])
MONDAY, TUESDAY = "2026-02-02", "2026-02-03"
COUNTS = ("instruments", "bars", "minutes", "expected_minutes")


@pytest.fixture
def fresh(db: None, redis_url: str) -> Iterator[None]:
    """Nothing stored, nothing remembered."""
    forget_everything()
    yield
    forget_everything()


def coverage() -> dict[str, tuple[int, ...]]:
    """Return the counts by day."""
    return {str(row.date): tuple(getattr(row, name) for name in COUNTS) for row in BarCoverage.objects.all()}


@pytest.mark.usefixtures("fresh")
def test_coverage_counts_instruments_bars_and_minutes_against_the_sessions() -> None:
    feed([snapshot(FIRST), snapshot(LAST), snapshot(ist("2026-02-03 09:15:10"))])
    assert refresh_recent_coverage() == 2
    assert coverage() == {
        MONDAY: (INSTRUMENTS, 2 * INSTRUMENTS, 2, 375),
        TUESDAY: (INSTRUMENTS, INSTRUMENTS, 1, 375),
    }


@pytest.mark.usefixtures("fresh")
def test_coverage_names_the_first_and_the_last_minute() -> None:
    feed([snapshot(FIRST), snapshot(LAST)])
    refresh_recent_coverage()
    row = BarCoverage.objects.get()
    assert row.first_bar == datetime(2026, 2, 2, 4, 30, tzinfo=UTC)
    assert row.last_bar == from_ms(LAST // 60_000 * 60_000)


@pytest.mark.usefixtures("fresh")
def test_a_second_run_leaves_the_same_rows() -> None:
    feed([snapshot(FIRST), snapshot(LAST)])
    refresh_recent_coverage()
    first = list(BarCoverage.objects.values())
    assert refresh_recent_coverage() == 1
    assert list(BarCoverage.objects.values()) == first


@pytest.mark.usefixtures("fresh")
def test_a_later_run_counts_what_came_in_between() -> None:
    feed([snapshot(FIRST, strikes=[25_000.0])])
    refresh_recent_coverage()
    Bar.objects.filter(instrument__kind="PE").delete()
    refresh_recent_coverage()
    assert coverage() == {MONDAY: (3, 3, 1, 375)}


@pytest.mark.usefixtures("fresh")
def test_a_day_longer_ago_than_a_week_is_left_as_it_was_counted() -> None:
    feed([snapshot(ist("2026-01-23 10:00:00")), snapshot(FIRST)])
    assert refresh_recent_coverage() == 1
    assert set(coverage()) == {MONDAY}


@pytest.mark.usefixtures("fresh")
def test_with_contracts_and_no_bars_there_is_nothing_to_count() -> None:
    list_contracts()
    assert refresh_recent_coverage() == 0
    assert coverage() == {}


def test_every_job_of_the_beat_is_a_known_task_that_expires_within_its_period() -> None:
    from tradingviz.celery import app

    app.loader.import_default_modules()
    schedule: dict[str, dict[str, Any]] = app.conf.beat_schedule
    assert schedule
    for job in schedule.values():
        assert job["task"] in app.tasks
        assert 0 < job["options"]["expires"] < job["schedule"]


@pytest.fixture
def worker(server_environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """A real Celery worker on this test's database and Redis; its log."""
    log = tmp_path / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "tradingviz", "worker", "--pool=solo", "--loglevel=INFO"]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, cwd=REPOSITORY, env=server_environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield log
    finally:
        end_child(child, polite=SIGTERM, seconds=15)
        close_market()


def test_a_real_worker_runs_the_task_that_was_sent_to_it(worker: Path, server_environment: dict[str, str]) -> None:
    feed([snapshot(FIRST)])
    code = "from tradingviz.celery import app; app.send_task('fo_analytics.refresh_coverage')"
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env={**os.environ, **server_environment}, check=True)
    assert wait_until(lambda: BarCoverage.objects.exists(), seconds=60, pause=0.1), worker.read_text()
    assert coverage() == {MONDAY: (INSTRUMENTS, INSTRUMENTS, 1, 375)}
