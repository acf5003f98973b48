"""29-Aug-2025, quotes every minute: forward and implied volatility against numbers from elsewhere."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.db import connection

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.models import ChainMetric, Underlying
from fo_analytics.replay.recording import ContractKey, RecordedTick, Snapshots, read
from fo_analytics.selectors.chains import chain_at
from fo_analytics.selectors.reference import expiry_table
from tests.integration.ingest import pipeline

CHAIN = "nse_2025_08_29/nifty_option_chain.csv.gz"
REFERENCE = "nse_2025_08_29/nifty_forward_and_spot.csv"
WEEK, MONTH = date(2025, 9, 2), date(2025, 9, 30)


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> pd.DataFrame:
    """Forward per expiry and the spot behind the exchange's IV, by the exchange's stamp."""
    frame = pd.read_csv(shared_data / REFERENCE, parse_dates=["fetch_time"])
    stamps = frame["fetch_time"].dt.tz_localize("Asia/Kolkata").dt.tz_convert("UTC")
    return frame.assign(stamp=stamps)


@pytest.fixture(scope="module")
def ingested(module_market: None, shared_data: Path, reference: pd.DataFrame) -> None:
    """The day ingested, the reference's spot fed as the cash index."""
    spot = {to_ms(row.stamp): row.spot_from_nse_iv for row in reference.itertuples() if row.spot_from_nse_iv > 0}

    def with_spot() -> Snapshots:
        for ts, ticks in read(shared_data / CHAIN):
            extra = [RecordedTick(ContractKey("NIFTY", "SPOT"), ts, last=spot[ts])] if ts in spot else []
            yield ts, [*ticks, *extra]

    pipeline.send(with_spot())
    pipeline.drain()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bar, chain_metric")  # as autovacuum does in time


@pytest.fixture
def replayed(ingested: None, db: None) -> None:
    """The same, for one test."""


@pytest.fixture(scope="module")
def ambiguous(shared_data: Path) -> set[pd.Timestamp]:
    """Stamps under which two polls show two different markets: the reference is of the first, a bar has the second."""
    quoted = ["CALLS_Bid_Price", "CALLS_Ask_Price", "PUTS_Bid_Price", "PUTS_Ask_Price"]
    listed = pd.read_csv(shared_data / CHAIN, parse_dates=["Fetch_Time"])
    markets = listed.groupby(["Fetch_Time", "Expiry_Date", "Strike_Price"])[quoted].nunique().max(axis=1)
    return set(markets[markets > 1].index.get_level_values("Fetch_Time"))


@pytest.mark.parametrize(("expiry", "column"), [(WEEK, "fwd_mid_02Sep"), (MONTH, "fwd_mid_30Sep")])
def test_the_forward_agrees_with_the_reference(
    replayed: None, reference: pd.DataFrame, ambiguous: set[pd.Timestamp], expiry: date, column: str
) -> None:
    assert len(ambiguous) == 2
    metrics = dict(ChainMetric.objects.filter(expiry=expiry).values_list("time", "forward"))
    # The last snapshot of a minute is the one its bar closes with.
    last = reference.assign(minute=reference["stamp"].dt.floor("min")).groupby("minute").last()
    last = last[~last["fetch_time"].isin(ambiguous)]
    errors = [abs(metrics[minute.to_pydatetime()] - value) for minute, value in last[column].items()]
    print(f"forward {expiry}: median {np.median(errors):.3f}, max {max(errors):.3f} of {len(errors)}")
    assert len(errors) > 250
    assert np.median(errors) <= 0.3
    assert max(errors) <= 3


@pytest.mark.parametrize(("expiry", "bound"), [(WEEK, 0.2), (MONTH, 0.08)])
def test_the_exchanges_convention_gives_the_exchanges_volatility(
    replayed: None, shared_data: Path, reference: pd.DataFrame, expiry: date, bound: float
) -> None:
    listed = pd.read_csv(shared_data / CHAIN, parse_dates=["Fetch_Time"])
    snapshots = dict(iter(listed[listed["Expiry_Date"] == expiry.isoformat()].groupby("Fetch_Time")))
    nifty = Underlying.objects.get(symbol="NIFTY")
    errors: list[float] = []
    for row in reference[reference["spot_from_nse_iv"] > 0].itertuples():
        after = (row.stamp.to_pydatetime() + timedelta(minutes=1)).replace(second=0)
        if after - row.stamp > timedelta(seconds=60):
            continue
        table = expiry_table(underlying=nifty, as_of_ms=to_ms(after))
        answer = chain_at(underlying=nifty, table=table, expiry=expiry, convention=Convention.NSE)
        snapshot = snapshots[row.fetch_time].drop_duplicates("Strike_Price").set_index("Strike_Price")
        errors += volatility_errors(answer.document, snapshot)
    print(f"IV {expiry}: median {np.median(errors):.4f} points of {len(errors)}")
    assert len(errors) > 2000
    assert np.median(errors) <= bound


def volatility_errors(document: dict, snapshot: pd.DataFrame) -> list[float]:  # type: ignore[type-arg]
    """Return |ours - theirs| in points for the contracts within five strikes of the money that have both."""
    strikes = sorted(document["strikes"], key=float)
    at = strikes.index(f"{document['head']['atm_strike']:g}")
    found = []
    for strike in strikes[at - 5 : at + 6]:
        for side, column in (("call", "CALLS_IV"), ("put", "PUTS_IV")):
            ours, theirs = document["strikes"][strike][side]["iv"], snapshot[column].get(float(strike), 0)
            if ours is not None and theirs > 0:
                found.append(abs(100 * ours - theirs))
    return found


def test_units_are_lots_times_the_lot(replayed: None, shared_data: Path) -> None:
    listed = pd.read_csv(shared_data / CHAIN)
    last = listed[listed["Fetch_Time"] == listed["Fetch_Time"].max()].drop_duplicates(["Expiry_Date", "Strike_Price"])
    for expiry in (WEEK, MONTH):
        metric = ChainMetric.objects.filter(expiry=expiry).latest("time")
        rows = last[last["Expiry_Date"] == expiry.isoformat()]
        assert metric.call_oi == rows["CALLS_OI"].sum() * 75
        assert metric.time >= datetime(2025, 8, 29, 9, 56, tzinfo=UTC)
