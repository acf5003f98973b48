"""The snapshots become a hypertable where TimescaleDB is."""

from pathlib import Path

from django.db import migrations

from tradingviz.core.sql import RunSQLFile


class Migration(migrations.Migration):
    """See sql/0005_snapshot_hypertable.*.sql."""

    dependencies = [("accounts", "0004_orders")]
    operations = [RunSQLFile(Path(__file__).parent / "sql", "0005_snapshot_hypertable")]
