"""`manage.py import_instruments` with the real list of forty thousand contracts, imported once for all tests here."""

import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from fo_analytics.ingest.master import Master
from fo_analytics.models import Instrument, Underlying
from fo_analytics.queries import query
from tests.integration.ingest.conftest import module_market as module_market
from tests.integration.test_import_instruments import EXPIRY, WEDNESDAY, Counts, run, stored

MASTER = "kite/instruments_nfo_bfo_2026-08-18.csv.gz"
CASH = "kite/instruments_nse.csv"


@dataclass(frozen=True)
class Import:
    """What the first import of the list said, and how long it took."""

    counts: Counts
    seconds: float


@pytest.fixture(scope="module")
def once(module_market: None, shared_data: Path) -> Import:
    """The list, imported into an empty database."""
    began = time.monotonic()
    counts = run(shared_data / MASTER, as_of=None)
    return Import(counts, time.monotonic() - began)


@pytest.fixture
def imported(once: Import, db: None) -> Import:
    """The same for one test."""
    return once


def test_forty_thousand_contracts_take_ten_seconds_at_most_and_again_nothing_changes(
    imported: Import, shared_data: Path
) -> None:
    assert imported.counts == (39_941, 0, 0, 0, 0, 0)
    assert imported.seconds <= 10
    before = stored()
    assert run(shared_data / MASTER, as_of=None) == (0, 0, 39_941, 0, 0, 0)
    assert stored() == before
    assert Underlying.objects.filter(exchange="BSE").count() == 4
    assert Underlying.objects.filter(is_index=False, exchange="NSE").count() == 208
    nearest = Instrument.objects.get(tradingsymbol="NIFTY26AUG25000CE")
    assert (nearest.expiry, nearest.lot_size, nearest.valid_from) == (EXPIRY, 65, date(2026, 8, 18))


def test_the_spots_of_known_stocks_come_from_the_list_of_cash_instruments(imported: Import, shared_data: Path) -> None:
    assert run(shared_data / CASH, WEDNESDAY) == (4, 0, 0, 0, 0, 95)
    spots = Instrument.objects.filter(kind="SPOT").values_list("underlying__symbol", "token")
    assert dict(spots) == {"ABCAPITAL": 5533185, "ADANIPORTS": 3861249, "CDSL": 5420545, "ICICIPRULI": 4774913}


def test_ingest_loads_forty_thousand_contracts_within_a_second_and_expiries_are_read_from_the_index(
    imported: Import,
) -> None:
    master = Master()
    assert sum(len(listing.contracts) for listing in master.listings.values()) == 39_941
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        master.load()
        seconds.append(time.perf_counter() - began)
        if seconds[-1] <= 1:
            break
    assert min(seconds) <= 1
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE fo_analytics_instrument")
        cursor.execute("EXPLAIN " + query("listed_expiries"), {"exchange": "NSE"})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count("instrument_listing") == 4
    assert "Seq Scan on fo_analytics_instrument" not in plan
