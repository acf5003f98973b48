"""What is older than a table keeps is dropped in whole days; what is kept stays as it was."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from fo_analytics.domain.calendar import ist_date
from fo_analytics.models import Bar, BarRollup, ChainMetric, Instrument, RollupDue
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.retention import drop_expired_rows
from fo_analytics.services.rollups import roll_up, roll_up_due
from fo_analytics.tasks import drop_expired_rows as drop_expired_rows_task
from tests.rig.data import REPOSITORY

# Monday to Thursday; the last is the newest.
DAYS = [date(2026, 2, 2) + timedelta(days=n) for n in range(4)]
EXPIRY = date(2026, 2, 24)
CALL = ContractKey("NIFTY", "CE", EXPIRY, 25_000.0)
PUT = ContractKey("NIFTY", "PE", EXPIRY, 25_000.0)
TABLES = (Bar, ChainMetric, BarRollup)
BUCKETS = 75 + 25 + 13 + 7 + 1


def keeping(*, bars: int = 0, metrics: int = 0, rollups: int = 0) -> override_settings:
    """Return the settings that keep so many days of each table."""
    return override_settings(
        RETENTION_BAR_DAYS=bars, RETENTION_CHAIN_METRIC_DAYS=metrics, RETENTION_BAR_ROLLUP_DAYS=rollups
    )


def store(days: list[date], *, every: int = 1) -> None:
    """Store a bar of two contracts and a measure for each minute of some days' sessions, and roll them up."""
    tokens = ensure_instruments(keys=[CALL, PUT], seen_on=days[0])
    instruments = list(Instrument.objects.filter(token__in=tokens.values()))
    for day in days:
        session = calendar_of(exchange="NSE").session_on(day)
        assert session is not None
        times = session.bucket_starts[::every]
        Bar.objects.bulk_create(
            Bar(instrument=row, time=time, open=row.pk + n, close=n, volume=n, iv_reason=0, flags=0)
            for row in instruments
            for n, time in enumerate(times)
        )
        ChainMetric.objects.bulk_create(
            ChainMetric(underlying=instruments[0].underlying, expiry=EXPIRY, time=t, forward_source="parity")
            for t in times
        )
    roll_up(first=days[0], last=days[-1])


def days_of(model: type[Any]) -> list[date]:
    """Return the days of which a table holds rows."""
    return sorted({ist_date(time) for time in model.objects.values_list("time", flat=True)})


def checksum(model: type[Any], since: date) -> str:
    """Return a checksum over a table's rows from a day on, with the transactions that wrote them."""
    text = hashlib.md5(usedforsecurity=False)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t::text || t.xmin::text FROM {model._meta.db_table} AS t "
            "WHERE time >= (%s::timestamp AT TIME ZONE 'Asia/Kolkata') ORDER BY 1",
            [since],
        )
        for (row,) in cursor.fetchall():
            text.update(row.encode())
    return text.hexdigest()


@pytest.mark.django_db
def test_minutes_are_dropped_by_whole_days_and_the_days_made_of_them_stay() -> None:
    store(DAYS)
    kept = [checksum(Bar, DAYS[2]), *(checksum(model, DAYS[0]) for model in (ChainMetric, BarRollup))]
    with keeping(bars=2):
        assert drop_expired_rows_task() == 2 * 2 * 375
    assert days_of(Bar) == DAYS[2:]
    assert Bar.objects.count() == 2 * 2 * 375
    assert kept == [checksum(Bar, DAYS[0]), *(checksum(model, DAYS[0]) for model in (ChainMetric, BarRollup))]
    assert BarRollup.objects.filter(timeframe="1d").count() == 2 * len(DAYS)


@pytest.mark.django_db
def test_rolling_dropped_minutes_up_anew_leaves_what_was_made_of_them() -> None:
    store(DAYS)
    before = checksum(BarRollup, DAYS[0])
    with keeping(bars=1):
        drop_expired_rows()
    assert roll_up(first=DAYS[0], last=DAYS[-1]) == 0
    assert checksum(BarRollup, DAYS[0]) == before


@pytest.mark.django_db
def test_every_table_keeps_its_own_number_of_days() -> None:
    store(DAYS)
    with keeping(bars=1, metrics=2, rollups=3):
        found = {expired.table: (expired.first_kept, expired.rows) for expired in drop_expired_rows()}
    assert [days_of(model) for model in TABLES] == [DAYS[3:], DAYS[2:], DAYS[1:]]
    assert found == {
        "bar": (DAYS[3], 3 * 2 * 375),
        "chain_metric": (DAYS[2], 2 * 375),
        "bar_rollup": (DAYS[1], 2 * BUCKETS),
    }


@pytest.mark.django_db
def test_zero_keeps_everything() -> None:
    store(DAYS, every=25)
    before = [checksum(model, DAYS[0]) for model in TABLES]
    with keeping():
        assert {(expired.first_kept, expired.rows) for expired in drop_expired_rows()} == {(None, 0)}
    assert [checksum(model, DAYS[0]) for model in TABLES] == before


@pytest.mark.django_db
def test_days_count_back_from_the_newest_minute_so_that_an_old_recording_stays() -> None:
    store(DAYS, every=25)
    with keeping(bars=len(DAYS), metrics=len(DAYS), rollups=len(DAYS)):
        assert drop_expired_rows_task() == 0
    assert days_of(Bar) == DAYS


@pytest.mark.django_db
def test_an_empty_database_has_nothing_to_drop() -> None:
    with keeping(bars=1, metrics=1, rollups=1):
        assert drop_expired_rows_task() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("batch_rows", [1, 50, 1000])
def test_small_batches_drop_the_same_rows_as_one(batch_rows: int) -> None:
    store(DAYS, every=25)
    rollups = BarRollup.objects.filter(time__lt=datetime(2026, 2, 4, tzinfo=UTC)).count()
    with keeping(bars=2, metrics=2, rollups=2):
        rows = [expired.rows for expired in drop_expired_rows(batch_rows=batch_rows)]
        assert rows == [2 * 2 * 15, 2 * 15, rollups]
        assert drop_expired_rows_task() == 0
    assert [days_of(model) for model in TABLES] == [DAYS[2:]] * 3


@pytest.mark.django_db
def test_a_batch_is_one_statement_that_brings_no_rows_here() -> None:
    store(DAYS, every=25)
    with keeping(bars=2), CaptureQueriesContext(connection) as queries:
        drop_expired_rows()
    deletes = [found["sql"] for found in queries if "DELETE" in found["sql"]]
    assert len(deletes) <= 2
    assert all(sql.startswith('DELETE FROM "bar" WHERE "bar"."time" < ') for sql in deletes)


@pytest.mark.django_db
def test_minutes_that_are_not_rolled_up_yet_protect_their_day_and_those_after_it() -> None:
    store(DAYS, every=25)
    mark = RollupDue.objects.create(
        underlying=Instrument.objects.all()[0].underlying, date=DAYS[1], since=datetime(2026, 2, 3, 4, tzinfo=UTC)
    )
    with keeping(bars=1, metrics=1, rollups=1):
        drop_expired_rows()
        assert [days_of(model) for model in TABLES] == [DAYS[1:]] * 3
        mark.delete()
        drop_expired_rows()
        assert [days_of(model) for model in TABLES] == [DAYS[3:]] * 3


@pytest.mark.django_db
def test_a_dry_run_says_what_would_go_and_drops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    store(DAYS, every=25)
    before = [checksum(model, DAYS[0]) for model in TABLES]
    with keeping(bars=1, metrics=2):
        call_command("retain", "--dry-run")
        said = re.sub(r" in \d chunks and beside them", "", capsys.readouterr().out)
        assert [checksum(model, DAYS[0]) for model in TABLES] == before
        call_command("retain")
        done = re.sub(r" in \d chunks and beside them", "", capsys.readouterr().out)
    assert said.splitlines() == [
        "bar: would drop 90 rows, kept from 2026-02-05 on",
        "chain_metric: would drop 30 rows, kept from 2026-02-04 on",
        "bar_rollup: everything is kept",
    ]
    assert done == said.replace("would drop", "dropped")


@pytest.mark.django_db
def test_a_session_around_the_clock_is_cut_at_its_midnight() -> None:
    token = ensure_instruments(keys=[CALL], seen_on=DAYS[0])[CALL]
    instrument = Instrument.objects.get(token=token)
    start = datetime(2026, 2, 1, 18, 30, tzinfo=UTC)
    hours = [start + timedelta(hours=n) for n in range(72)]
    Bar.objects.bulk_create(Bar(instrument=instrument, time=time) for time in hours)
    with keeping(bars=2):
        assert drop_expired_rows_task() == 24
    assert list(Bar.objects.order_by("time").values_list("time", flat=True)) == hours[24:]


@pytest.mark.timescaledb
@pytest.mark.django_db
def test_on_a_hypertable_whole_chunks_go_and_nothing_is_left_to_delete() -> None:
    store(DAYS, every=25)
    with keeping(bars=2):
        before = chunks()
        (bar, *_) = drop_expired_rows()
        assert (bar.rows, bar.chunks) == (60, 2)
        assert chunks() == before - 2


def chunks() -> int:
    """Return how many chunks the minutes have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM show_chunks('bar')")
        found: int = cursor.fetchone()[0]
    return found


@pytest.fixture
def connections_end(transactional_db: None) -> Iterator[None]:
    """Threads of this test close what they opened."""
    yield
    connections.close_all()


@pytest.mark.usefixtures("connections_end")
def test_several_at_once_drop_each_row_once() -> None:
    store(DAYS)

    def work() -> int:
        try:
            return sum(expired.rows for expired in drop_expired_rows(batch_rows=100))
        finally:
            connection.close()

    with keeping(bars=1, metrics=1, rollups=1), ThreadPoolExecutor(3) as pool:
        rows = [future.result(timeout=60) for future in [pool.submit(work) for _ in range(3)]]
    assert sum(rows) == 3 * (2 * 375 + 375 + 2 * BUCKETS)
    assert [days_of(model) for model in TABLES] == [DAYS[3:]] * 3


@pytest.mark.usefixtures("connections_end")
def test_a_late_tick_that_is_being_written_keeps_its_day_until_it_is_rolled_up() -> None:
    store(DAYS, every=25)

    def work() -> int:
        try:
            return drop_expired_rows_task()
        finally:
            connection.close()

    with keeping(bars=1), ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            late = Bar.objects.order_by("time")[0]
            Bar.objects.filter(pk=late.pk).update(close=7.0)
            RollupDue.objects.create(underlying=late.instrument.underlying, date=DAYS[0], since=late.time)
            worker = pool.submit(work)
            with pytest.raises(TimeoutError):
                worker.result(timeout=0.5)
        assert worker.result(timeout=30) == 0
        assert days_of(Bar) == DAYS
        assert roll_up_due() > 0
        assert drop_expired_rows_task() == 3 * 30
    assert days_of(Bar) == DAYS[3:]


@pytest.mark.parametrize("name", ["RETENTION_BAR_DAYS", "RETENTION_CHAIN_METRIC_DAYS", "RETENTION_BAR_ROLLUP_DAYS"])
@pytest.mark.parametrize("junk", ["-1", "90d", "1.5", "for ever"])
def test_a_number_of_days_that_makes_no_sense_stops_the_start_and_is_named(name: str, junk: str) -> None:
    command = [sys.executable, "-c", "import django; django.setup()"]
    environment = {**os.environ, name: junk, "DJANGO_SETTINGS_MODULE": "tradingviz.settings.test"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{name}={junk!r} is not a whole number" in done.stderr
