"""The time series become hypertables where TimescaleDB is."""

from pathlib import Path

from django.db import migrations

from tradingviz.core.sql import RunSQLFile


class Migration(migrations.Migration):
    """See sql/0002_hypertables.*.sql."""

    dependencies = [("fo_analytics", "0001_initial")]
    operations = [RunSQLFile(Path(__file__).parent / "sql", "0002_hypertables")]
