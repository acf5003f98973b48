"""The rolled-up bars become a hypertable where TimescaleDB is."""

from pathlib import Path

from django.db import migrations

from tradingviz.core.sql import RunSQLFile


class Migration(migrations.Migration):
    """See sql/0005_rollup_hypertable.*.sql."""

    dependencies = [("fo_analytics", "0004_bar_rollup")]
    operations = [RunSQLFile(Path(__file__).parent / "sql", "0005_rollup_hypertable")]
