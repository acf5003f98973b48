"""On a real TimescaleDB: what ingest writes lies in chunks."""

from collections.abc import Iterator

import pytest
from django.db import connection

from fo_analytics.services.rollups import roll_up_due
from tests.api.market import FIRST, LAST, feed, forget_everything, ist, snapshot
from tests.migrations.catalogue import has_extension

pytestmark = pytest.mark.timescaledb


@pytest.fixture
def fed(db: None, redis_url: str) -> Iterator[None]:
    """Two days of ticks, taken in."""
    forget_everything()
    feed([snapshot(FIRST), snapshot(LAST), snapshot(ist("2026-02-03 09:15:10"))])
    roll_up_due()
    yield
    forget_everything()


def chunks(table: str) -> int:
    """Return how many chunks a hypertable has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = %s", [table])
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("fed")
@pytest.mark.parametrize(("table", "count"), [("bar", 2), ("chain_metric", 2), ("bar_rollup", 1)])
def test_what_ingest_wrote_lies_in_a_chunk_a_day_and_longer_bars_in_one_a_week(table: str, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT hypertable_name, num_chunks FROM timescaledb_information.hypertables ORDER BY 1")
        counted = dict(cursor.fetchall())
    assert counted == {"account_snapshot": 0, "bar": 2, "bar_rollup": 1, "chain_metric": 2, "strategy_candle": 0}
    assert chunks(table) == count


@pytest.mark.django_db
def test_the_extension_is_there() -> None:
    assert has_extension()
