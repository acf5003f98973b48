"""Every migration can be taken back and applied again, and nothing is different afterwards."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

import accounts.migrations
import fo_analytics.migrations
from accounts.models import AccountSnapshot
from fo_analytics.domain.calendar import IST
from fo_analytics.models import Bar, BarRollup, ChainMetric, TradingSession
from tests.migrations.catalogue import Rows, catalogue, contents, has_extension, hypertables, table_names
from tradingviz.core.sql import read_script

FOLDERS = [Path(app.__path__[0]) / "sql" for app in (accounts.migrations, fo_analytics.migrations)]
SCRIPTS = sorted(path.with_name(path.name.removesuffix(".up.sql")) for f in FOLDERS for path in f.glob("*.up.sql"))
SERIES = ("bar", "chain_metric", "bar_rollup")
OPEN = datetime(2026, 2, 2, 9, 15, tzinfo=IST)


pytestmark = pytest.mark.usefixtures("newest")


def migrate(app: str | None = None, target: str | None = None) -> None:
    """Run `migrate`."""
    call_command("migrate", *(word for word in (app, target) if word), verbosity=0, interactive=False)


def run_script(script: Path, direction: str) -> None:
    """Run one of our own SQL files."""
    with connection.cursor() as cursor:
        cursor.execute(read_script(script.with_name(f"{script.name}.{direction}.sql")))


def store_rows() -> list[Rows]:
    """Store minutes, longer bars and measures of three days; return what the tables hold."""
    for time in (OPEN + timedelta(days=day, minutes=minute) for day in range(3) for minute in range(4)):
        key: dict[str, Any] = {"time": time, "instrument_id": 7}
        Bar.objects.get_or_create(**key, defaults={"close": 100.25, "volume": 65, "flags": 1})
        BarRollup.objects.get_or_create(**key, timeframe="5m", defaults={"close": 100.25, "iv_reason": 2})
        ChainMetric.objects.get_or_create(
            underlying_id=3, expiry=date(2026, 2, 3), time=time, defaults={"forward": 25_000.5}
        )
    return series()


def series() -> list[Rows]:
    """Return what the time series hold."""
    return [contents(table) for table in SERIES if table in table_names()]


@pytest.mark.parametrize(
    ("app", "stops"),
    [
        ("strategies", ["0002", "0001", "zero"]),
        ("fo_analytics", ["0001", "zero"]),
        ("accounts", ["0004", "0003"]),
        ("accounts", ["zero"]),
        ("admin", ["zero"]),
    ],
)
def test_the_way_up_passes_the_catalogues_of_the_way_down(app: str, stops: list[str]) -> None:
    """A stop looks the same where newer migrations were taken back and where there never were any."""
    newest, days = catalogue(), session_days()
    below = []
    for stop in stops:
        migrate(app, stop)
        below.append(catalogue())
        assert below[-1] != newest or (stop == "0004" and not has_extension())
    assert stops[-1] != "zero" or not tables_of(app) & table_names()
    for stop, found in reversed(list(zip(stops[:-1], below[:-1], strict=True))):
        migrate(app, stop)
        assert catalogue() == found
    migrate()
    assert catalogue() == newest
    assert session_days() == days


def tables_of(app: str) -> set[str]:
    """Return the names of an app's tables; there are some."""
    found = {model._meta.db_table for model in apps.get_app_config(app).get_models()}
    assert found
    return found


def session_days() -> set[tuple[str, date]]:
    """Return the days whose sessions are known."""
    return set(TradingSession.objects.values_list("exchange", "date"))


def test_a_hypertable_turned_back_is_the_table_it_was() -> None:
    migrate("fo_analytics", "zero")
    migrate("fo_analytics", "0001")
    plain = catalogue()
    migrate("fo_analytics", "0002")
    migrate("fo_analytics", "0001")
    assert catalogue() == plain
    assert not {name for name, *_ in plain["hypertables"]} & set(SERIES)


def test_snapshots_are_kept_through_down_and_up() -> None:
    amounts = dict.fromkeys(("realised", "open_positions", "unpriced", "orders", "holdings_cost"), 7)
    for day in (0, 400):
        AccountSnapshot.objects.create(account_id=3, time=OPEN + timedelta(days=day), taken_at=OPEN, **amounts)
    stored = contents("account_snapshot")
    migrate("accounts", "0004")
    assert contents("account_snapshot") == stored
    migrate()
    assert contents("account_snapshot") == stored
    assert len(stored) == 2


def test_rows_are_kept_through_down_and_up() -> None:
    assert [len(rows) for rows in store_rows()] == [12, 12, 12]
    migrate("fo_analytics", "0005")  # the last one that has these columns
    stored = series()
    assert [len(rows) for rows in stored] == [12, 12, 12]
    migrate("fo_analytics", "0004")
    assert series() == stored
    migrate("fo_analytics", "0001")
    assert series() == stored[:2]
    migrate("fo_analytics", "0005")
    assert series() == [*stored[:2], []]
    migrate()
    assert [len(rows) for rows in series()] == [12, 12, 0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.name))
def test_every_script_may_run_twice_in_either_direction(script: Path) -> None:
    applied, rows = catalogue(), store_rows()
    run_script(script, "up")
    assert catalogue() == applied
    run_script(script, "down")
    taken_back = catalogue()
    run_script(script, "down")
    assert catalogue() == taken_back
    run_script(script, "up")
    assert catalogue() == applied
    assert series() == rows


def test_every_script_has_a_way_back() -> None:
    found = [path for folder in FOLDERS for path in folder.glob("*.down.sql")]
    downs = sorted(path.with_name(path.name.removesuffix(".down.sql")) for path in found)
    assert downs == SCRIPTS != []


def test_every_migration_of_ours_can_be_taken_back() -> None:
    loader = MigrationLoader(connection)
    ours = [migration for (app, _), migration in loader.disk_migrations.items() if app in ("accounts", "fo_analytics")]
    assert len(ours) >= 3
    assert [operation for migration in ours for operation in migration.operations if not operation.reversible] == []


def test_the_models_need_no_further_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_sessions_are_there_after_migrating() -> None:
    days = session_days()
    assert {("NSE", date(2026, 2, 1)), ("BSE", date(2026, 2, 3)), ("NSE", date(2019, 1, 1))} <= days
    assert ("NSE", date(2026, 1, 26)) not in days


def test_another_migrate_leaves_what_staff_changed_as_it_is() -> None:
    session = TradingSession.objects.get(exchange="NSE", date=date(2026, 2, 3))
    session.kind = "extended"
    session.save()
    count = TradingSession.objects.count()
    migrate()
    session.refresh_from_db()
    assert (session.kind, TradingSession.objects.count()) == ("extended", count)


def test_the_time_series_are_hypertables_exactly_where_the_extension_is() -> None:
    days = {"account_snapshot": 365, "bar": 1, "bar_rollup": 7, "chain_metric": 1, "strategy_candle": 7}
    expected = [(name, "time", "timestamp with time zone", timedelta(days=count)) for name, count in days.items()]
    assert hypertables() == (expected if has_extension() else [])
