"""Series of recorded days, a Sunday and an expiry, against pandas over the recording itself."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pytest_django.plugin import DjangoDbBlocker

from fo_analytics.services.rollups import roll_up
from tests.api.asking import Asker
from tests.api.market import close_market
from tests.integration.ingest import pipeline
from tradingviz.quickstart.redis import EmbeddedRedis

DAYS = ("2026-02-01", "2026-02-03")
WHOLE = {"underlying": "NIFTY", "expiry": "2026-02-03", "from": DAYS[0], "to": DAYS[1]}
STRIKE = 25_700


def files(folder: Path) -> list[Path]:
    return [folder / f"nse_2026_02/index_option_chain_{day}.csv.gz" for day in DAYS]


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> pd.DataFrame:
    """NIFTY's rows of both days with their minute in Unix seconds; without those of the last minute and after it."""
    rows = pd.concat([pd.read_csv(path, parse_dates=["timestamp"]) for path in files(shared_data)])
    rows = rows[(rows["Symbol"] == "NIFTY") & (rows["timestamp"].dt.strftime("%H:%M") < "15:29")]
    stamps = rows["timestamp"].dt.tz_localize("Asia/Kolkata")
    return rows.assign(stamp=stamps, minute=[int(at.timestamp()) for at in stamps.dt.floor("min")])


@pytest.fixture(scope="module")
def recorded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_server: EmbeddedRedis, shared_data: Path
) -> Iterator[None]:
    """Both days, ingested and rolled up once for the module."""
    with django_db_blocker.unblock():
        try:
            close_market()
            for path, day in zip(files(shared_data), DAYS, strict=True):
                pipeline.replay(path)
                roll_up(first=date.fromisoformat(day), last=date.fromisoformat(day))
            yield
        finally:
            close_market()


def last_snapshots(recording: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """Return the newest chain of each minute by strike."""
    newest = recording.groupby("minute")["stamp"].transform("max")
    chains = recording[recording["stamp"] == newest]
    return {int(str(minute)): rows.set_index("Strike") for minute, rows in chains.groupby("minute")}


def max_pains(chain: pd.DataFrame) -> set[float]:
    """Return the strikes at which the options are worth least, by trying every one."""
    strikes, calls, puts = (np.array(part, float) for part in (chain.index, chain["CE_OI"], chain["PE_OI"]))
    worth = {
        strike: (calls * np.maximum(0, strike - strikes)).sum() + (puts * np.maximum(0, strikes - strike)).sum()
        for strike in strikes.tolist()
    }
    return {strike for strike, total in worth.items() if total == min(worth.values())}


@pytest.mark.usefixtures("recorded")
def test_metrics_of_every_recorded_minute_equal_the_file(ask: Asker, recording: pd.DataFrame) -> None:
    body = ask("/fo/metrics-series", **WHOLE).body
    at = {minute: place for place, minute in enumerate(body["time"])}
    found = body["metrics"]
    chains = last_snapshots(recording)
    assert len(chains) > 60
    for minute, chain in chains.items():
        place = at[minute]
        calls, puts = chain["CE_OI"].sum(), chain["PE_OI"].sum()
        assert (found["call_oi"][place], found["put_oi"][place]) == (calls, puts)
        assert found["pcr_oi"][place] == pytest.approx(puts / calls, rel=1e-12)
        assert found["max_pain"][place] in max_pains(chain)
        assert found["spot"][place] == chain["Spot"].iloc[-1]
        money = chain.loc[found["atm_strike"][place]]
        assert found["straddle"][place] == pytest.approx(money["CE_LTP"] + money["PE_LTP"], rel=1e-12)


@pytest.mark.usefixtures("recorded")
def test_the_history_of_a_strike_equals_the_file(ask: Asker, recording: pd.DataFrame) -> None:
    body = ask("/fo/strike-history", strike=STRIKE, timeframe="15m", **WHOLE).body
    prices = recording[recording["Strike"] == STRIKE].set_index("stamp").sort_index()
    for side, column in (("call", "CE_LTP"), ("put", "PE_LTP")):
        priced = prices[column][prices[column] > 0]
        buckets = priced.resample("15min").agg(["first", "max", "min", "last"]).dropna()  # 09:15 is a quarter itself
        buckets = buckets.iloc[[at.strftime("%H:%M") != "15:15" for at in buckets.index]]
        held = pd.DataFrame(body[side]).set_index("time")
        rows = held.loc[[int(at.timestamp()) for at in buckets.index]]
        assert len(rows) > 30
        for name, expected in {"open": "first", "high": "max", "low": "min", "close": "last"}.items():
            assert rows[name].tolist() == buckets[expected].tolist(), (side, name)


@pytest.mark.usefixtures("recorded")
def test_a_moneyness_series_follows_the_money_through_the_file(ask: Asker, recording: pd.DataFrame) -> None:
    body = ask("/fo/moneyness-series", indicator="close", moneyness="OTM1", **WHOLE).body
    metrics = ask("/fo/metrics-series", metric="atm_strike", **WHOLE).body
    money = dict(zip(metrics["time"], metrics["metrics"]["atm_strike"], strict=True))
    for series, column, step in zip(body["series"], ("CE_LTP", "PE_LTP"), (50, -50), strict=True):
        points = dict(zip(series["time"], zip(series["strike"], series["value"], strict=True), strict=True))
        for minute, chain in last_snapshots(recording).items():
            strike, value = points[minute]
            assert strike == money[minute] + step
            assert value == chain.loc[strike][column]
            assert series["underlying"][series["time"].index(minute)] == chain["Spot"].iloc[-1]
