"""Every migration can be taken back and applied again, and nothing is different afterwards."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

import fo_analytics.migrations
from fo_analytics.domain.calendar import IST
from fo_analytics.models import Bar, ChainMetric, TradingSession
from tests.migrations.catalogue import Rows, catalogue, contents, has_extension, hypertables, table_names

SQL = Path(fo_analytics.migrations.__file__).parent / "sql"
SCRIPTS = sorted(path.name.removesuffix(".up.sql") for path in SQL.glob("*.up.sql"))
OPEN = datetime(2026, 2, 2, 9, 15, tzinfo=IST)


@pytest.fixture(autouse=True)
def newest(scratch: None) -> None:
    """Begin with everything applied."""
    migrate()


def migrate(app: str | None = None, target: str | None = None) -> None:
    """Run `migrate`."""
    call_command("migrate", *(word for word in (app, target) if word), verbosity=0, interactive=False)


def run_script(name: str, direction: str) -> None:
    """Run one of our own SQL files."""
    with connection.cursor() as cursor:
        cursor.execute((SQL / f"{name}.{direction}.sql").read_text(encoding="utf-8"))


def store_rows() -> tuple[Rows, Rows]:
    """Store bars and measures of three days; return what the tables hold."""
    for day in range(3):
        for minute in range(4):
            time = OPEN + timedelta(days=day, minutes=minute)
            Bar.objects.create(instrument_id=7, time=time, close=100.25 + minute, volume=65 * minute, flags=1)
            ChainMetric.objects.create(
                underlying_id=3, expiry=date(2026, 2, 3), time=time, forward=25_000.5, forward_source="parity"
            )
    return contents("bar"), contents("chain_metric")


@pytest.mark.parametrize(
    ("app", "target"),
    [("fo_analytics", "0001"), ("fo_analytics", "zero"), ("accounts", "zero"), ("admin", "zero")],
)
def test_down_and_up_again_leave_the_same_catalogue(app: str, target: str) -> None:
    before = catalogue()
    migrate(app, target)
    below = catalogue()
    migrate()
    assert catalogue() == before
    assert below != before or (target == "0001" and not has_extension())


def test_a_hypertable_turned_back_is_the_table_it_was() -> None:
    migrate("fo_analytics", "zero")
    migrate("fo_analytics", "0001")
    plain = catalogue()
    migrate("fo_analytics", "0002")
    migrate("fo_analytics", "0001")
    assert catalogue() == plain
    assert plain["hypertables"] == []


def test_rows_are_kept_through_down_and_up() -> None:
    stored = store_rows()
    assert [len(rows) for rows in stored] == [12, 12]
    migrate("fo_analytics", "0001")
    assert (contents("bar"), contents("chain_metric")) == stored
    migrate()
    assert (contents("bar"), contents("chain_metric")) == stored


def test_zero_leaves_none_of_the_apps_tables() -> None:
    ours = {model._meta.db_table for model in apps.get_app_config("fo_analytics").get_models()}
    assert ours <= table_names()
    migrate("fo_analytics", "zero")
    assert ours & table_names() == set()


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_may_run_twice_in_either_direction(name: str) -> None:
    applied, rows = catalogue(), store_rows()
    run_script(name, "up")
    assert catalogue() == applied
    run_script(name, "down")
    taken_back = catalogue()
    run_script(name, "down")
    assert catalogue() == taken_back
    run_script(name, "up")
    assert catalogue() == applied
    assert (contents("bar"), contents("chain_metric")) == rows


def test_every_script_has_a_way_back() -> None:
    downs = sorted(path.name.removesuffix(".down.sql") for path in SQL.glob("*.down.sql"))
    assert downs == SCRIPTS != []


def test_every_migration_of_ours_can_be_taken_back() -> None:
    loader = MigrationLoader(connection)
    ours = [migration for (app, _), migration in loader.disk_migrations.items() if app in ("accounts", "fo_analytics")]
    assert len(ours) >= 3
    assert [operation for migration in ours for operation in migration.operations if not operation.reversible] == []


def test_the_models_need_no_further_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_sessions_are_there_after_the_first_migration_and_after_a_way_back() -> None:
    days = set(TradingSession.objects.values_list("exchange", "date"))
    assert {("NSE", date(2026, 2, 1)), ("BSE", date(2026, 2, 3)), ("NSE", date(2019, 1, 1))} <= days
    assert ("NSE", date(2026, 1, 26)) not in days
    migrate("fo_analytics", "zero")
    migrate()
    assert set(TradingSession.objects.values_list("exchange", "date")) == days


def test_another_migrate_leaves_what_staff_changed_as_it_is() -> None:
    session = TradingSession.objects.get(exchange="NSE", date=date(2026, 2, 3))
    session.kind = "extended"
    session.save()
    count = TradingSession.objects.count()
    migrate()
    session.refresh_from_db()
    assert (session.kind, TradingSession.objects.count()) == ("extended", count)


def test_the_time_series_are_hypertables_of_a_day_exactly_where_the_extension_is() -> None:
    expected = [(name, "time", "timestamp with time zone", timedelta(days=1)) for name in ("bar", "chain_metric")]
    assert hypertables() == (expected if has_extension() else [])
