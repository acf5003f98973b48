"""The candles become a hypertable where TimescaleDB is."""

from pathlib import Path

from django.db import migrations

from tradingviz.core.sql import RunSQLFile


class Migration(migrations.Migration):
    """See sql/0002_candle_hypertable.*.sql."""

    dependencies = [("strategies", "0001_initial")]
    operations = [RunSQLFile(Path(__file__).parent / "sql", "0002_candle_hypertable")]
