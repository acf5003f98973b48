"""3-Feb-2026, a weekly expiry, replayed: rows against a plain recomputation, and the chain at an instant."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from fo_analytics.models import Bar, ChainMetric, OfficialClose, TradingSession
from tests.integration.ingest import pipeline
from tests.rig.cast import access_token

FILE = "nse_2026_02/index_option_chain_2026-02-03.csv.gz"


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> pd.DataFrame:
    """The file as pandas has it."""
    return pd.read_csv(shared_data / FILE, parse_dates=["timestamp"])


@pytest.fixture(scope="module")
def ingested(module_market: None, shared_data: Path) -> int:
    """The file, ingested; the number of ticks."""
    return pipeline.replay(shared_data / FILE)


@pytest.fixture
def replayed(ingested: int, db: None) -> int:
    """The same, for one test."""
    return ingested


def long_form(recording: pd.DataFrame) -> pd.DataFrame:
    """Return one row per contract and stamp."""
    sides = []
    for side in ("CE", "PE"):
        part = recording[["Symbol", "Expiry", "Strike", "timestamp"]].copy()
        part["kind"] = side
        part["last"], part["oi"], part["volume"] = (recording[f"{side}_{name}"] for name in ("LTP", "OI", "Volume"))
        sides.append(part)
    return pd.concat(sides, ignore_index=True)


def stored_bars() -> pd.DataFrame:
    """Return the stored minutes of option contracts."""
    rows = Bar.objects.filter(instrument__kind__in=("CE", "PE")).values(
        "instrument__underlying__symbol", "instrument__strike", "instrument__kind",
        "time", "open", "high", "low", "close", "volume", "oi", "flags",
    )  # fmt: skip
    frame = pd.DataFrame(rows).rename(
        columns={
            "instrument__underlying__symbol": "Symbol",
            "instrument__strike": "Strike",
            "instrument__kind": "kind",
        }
    )
    return frame.assign(Strike=frame["Strike"].astype(float))


KEYS = ["Symbol", "Strike", "kind"]


def test_volumes_add_up_and_prices_and_open_interest_are_the_last_seen(replayed: int, recording: pd.DataFrame) -> None:
    assert replayed == 2 * len(recording) + 2 * recording["timestamp"].nunique()  # two of three indices have a spot
    bars, ticks = stored_bars(), long_form(recording)
    expected = ticks.groupby(KEYS)["volume"].max()
    found = bars.groupby(KEYS)["volume"].sum()
    compared = pd.concat([expected.rename("file"), found.rename("stored")], axis=1)
    silent = compared[compared["stored"].isna()]
    assert (silent["file"] == 0).all()  # contracts of which the file says nothing but zeros have no bars
    pd.testing.assert_series_equal(
        compared["file"].drop(silent.index), compared["stored"].drop(silent.index), check_names=False
    )
    assert len(compared) > 600

    interest = ticks[ticks["oi"] > 0].sort_values("timestamp").groupby(KEYS)["oi"].last()
    last_bars = bars.sort_values("time").groupby(KEYS)["oi"].last()
    pd.testing.assert_series_equal(
        interest, last_bars[last_bars > 0].astype(float), check_names=False, check_index=True
    )


def test_every_bar_equals_its_ticks(replayed: int, recording: pd.DataFrame) -> None:
    close = pd.Timestamp("2026-02-03 15:30")
    ticks = long_form(recording)
    ticks = ticks[ticks["last"] > 0]
    # Rows after the close belong to the last minute.
    minute = ticks["timestamp"].where(ticks["timestamp"] < close, close - pd.Timedelta(minutes=1)).dt.floor("min")
    minute = minute.dt.tz_localize("Asia/Kolkata").dt.tz_convert("UTC").rename("time")
    groups = ticks.sort_values("timestamp").groupby([*KEYS, minute])["last"]
    expected = groups.agg(open="first", high="max", low="min", close="last")
    stored = stored_bars().dropna(subset=["close"]).set_index([*KEYS, "time"])[["open", "high", "low", "close"]]
    pd.testing.assert_frame_equal(expected.sort_index(), stored.sort_index(), check_dtype=False)


def test_a_second_replay_changes_no_row(replayed: int, shared_data: Path) -> None:
    once = pipeline.checksums()
    assert all(once[table][0] for table in ("bar", "chain_metric", "fo_analytics_officialclose"))
    pipeline.replay(shared_data / FILE)
    assert pipeline.checksums() == once


def test_the_official_close_is_kept_apart_from_the_last_minute(replayed: int) -> None:
    close = OfficialClose.objects.get(underlying__symbol="NIFTY", date=date(2026, 2, 3))
    assert close.price == 25_727.55
    last = Bar.objects.filter(instrument__kind="SPOT", instrument__underlying__symbol="NIFTY").latest("time")
    assert last.close == 25_713.80


def test_a_measure_of_every_expiry_and_minute_equals_the_file(replayed: int, recording: pd.DataFrame) -> None:
    at = pd.Timestamp("2026-02-03 14:58:29")
    rows = recording[(recording["timestamp"] == at) & (recording["Symbol"] == "NIFTY")]
    metric = ChainMetric.objects.get(underlying__symbol="NIFTY", time=datetime(2026, 2, 3, 9, 28, tzinfo=UTC))
    assert metric.call_oi == rows["CE_OI"].sum()
    assert metric.put_volume == rows["PE_Volume"].sum()
    assert metric.pcr_oi == pytest.approx(rows["PE_OI"].sum() / rows["CE_OI"].sum(), rel=1e-12)
    atm = rows.loc[(rows["Strike"] - (metric.forward or 0)).abs().idxmin()]
    assert metric.atm_strike == atm["Strike"]
    assert metric.straddle == pytest.approx(atm["CE_LTP"] + atm["PE_LTP"])


@pytest.fixture
def ask(replayed: int, owner: User) -> Callable[..., tuple[int, Any]]:
    """A function that asks for the strike distribution and returns status and body."""

    def get(**parameters: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {access_token(owner)}"}
        answer = Client(headers=headers).get("/fo/strike-distribution", parameters)
        return answer.status_code, answer.json()

    return get


def test_a_minute_before_expiry_every_contract_around_the_money_has_greeks(ask: Any) -> None:
    status, body = ask(underlying="NIFTY", levels="5", at="2026-02-03T15:29:00")
    assert status == 200
    (chain,) = body["chains"]
    cells = [row[side] for row in chain["strikes"] for side in ("call", "put")]
    assert len(cells) == 22
    assert all(cell[name] is not None for cell in cells for name in ("delta", "gamma", "theta", "vega", "rho"))
    assert chain["labels"] == ["NWeek+0"]
    assert chain["spot_age_ms"] == 29_000
    without_iv = [cell for cell in cells if cell["iv"] is None]
    assert without_iv
    assert all(cell["iv_reason"] and cell["greeks_iv_source"] == "other_side" for cell in without_iv)


def test_at_the_expiry_instant_the_first_label_is_refused_with_the_reason(ask: Any) -> None:
    status, body = ask(underlying="NIFTY", expiry="NWeek+0", at="2026-02-03T15:30:00")
    assert status == 400
    assert "no expiry is listed after 2026-02-03 15:30:00 IST" in body["detail"]


def test_after_the_close_the_last_chain_is_shown_as_expired(ask: Any) -> None:
    status, body = ask(underlying="NIFTY", levels="1")
    (chain,) = body["chains"]
    assert status == 200
    assert chain["expired"] is True
    assert {cell["iv_reason"] for row in chain["strikes"] for cell in (row["call"], row["put"])} == {"expired"}


def test_the_budget_sunday_has_a_session_and_republic_day_none(db: None) -> None:
    sessions = TradingSession.objects.filter(exchange="NSE")
    assert sessions.filter(date=date(2026, 2, 1)).exists()
    assert not sessions.filter(date=date(2026, 1, 26)).exists()


def test_all_rows_are_within_the_session(replayed: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(time), max(time) FROM bar")
        first, last = cursor.fetchone()
    assert first == datetime(2026, 2, 3, 4, 24, tzinfo=UTC)
    assert last == datetime(2026, 2, 3, 9, 59, tzinfo=UTC)
