"""2 and 3-Feb-2026 replayed: changes of open interest, exposure and smiles against plain pandas over the files."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.integration.ingest import pipeline

FILES = [f"nse_2026_02/index_option_chain_2026-02-0{day}.csv.gz" for day in (2, 3)]
SIDES = {"CE": "call", "PE": "put"}
KEYS = ["expiry", "side", "strike"]


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> pd.DataFrame:
    """Every NIFTY contract at every stamp of both days' sessions."""
    frames = [pd.read_csv(shared_data / name, parse_dates=["timestamp"]) for name in FILES]
    rows = pd.concat(frames).query("Symbol == 'NIFTY'")
    long = pd.concat(
        rows.assign(side=side, last=rows[f"{kind}_LTP"], oi=rows[f"{kind}_OI"], volume=rows[f"{kind}_Volume"])
        for kind, side in SIDES.items()
    )
    # A row of nothing but zeros says nothing.
    long = long[(long[["last", "oi", "volume"]] > 0).any(axis=1)].rename(
        columns={"Expiry": "expiry", "Strike": "strike", "timestamp": "at"}
    )
    clock = long["at"] - long["at"].dt.normalize()
    inside = clock.between(pd.Timedelta("09:15:00"), pd.Timedelta("15:45:00"))
    return long.loc[inside, ["at", *KEYS, "last", "oi"]].sort_values("at", kind="stable")


@pytest.fixture(scope="module")
def ingested(module_market: None, shared_data: Path) -> None:
    """Both files, ingested."""
    for name in FILES:
        pipeline.replay(shared_data / name)


@pytest.fixture
def ask(ingested: None, owner: User, api_client_for: Callable[[User], APIClient]) -> Callable[..., dict[str, Any]]:
    """Ask about NIFTY."""
    client = api_client_for(owner)

    def get(path: str, **parameters: Any) -> dict[str, Any]:
        response = client.get(f"/fo/{path}", {"underlying": "NIFTY", **parameters})
        assert response.status_code == 200, response.content
        return dict(response.json())

    return get


def known(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the last price and open interest of each contract; a 0 is one only where nothing else was said."""
    groups = rows.groupby(KEYS)
    positive = rows[rows["oi"] > 0].groupby(KEYS)["oi"].last()
    priced = rows[rows["last"] > 0].groupby(KEYS)["last"].last()
    return pd.DataFrame({"oi": positive.reindex(groups.size().index).fillna(0.0), "last": priced})


def changed(recorded: pd.DataFrame, at: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return the change of every contract of the expiry that is near, at an instant against another."""
    now = known(recorded[(recorded["at"] >= at.normalize()) & (recorded["at"] < at)])
    day = until.normalize()
    before = known(recorded[(recorded["at"] >= day) & (recorded["at"] < until)])
    both = now.join(before.add_suffix("_before"), how="inner")
    both["change"] = both["oi"] - both["oi_before"]
    return both.xs("2026-02-03", level="expiry")


def instants(recorded: pd.DataFrame, count: int) -> list[pd.Timestamp]:
    """Return minutes of the second day just after a stamp, spread over it."""
    stamps = recorded.loc[recorded["at"].dt.day == 3, "at"].drop_duplicates()
    stamps = stamps[stamps.between(pd.Timestamp("2026-02-03 10:40"), pd.Timestamp("2026-02-03 15:28"))]
    chosen = stamps.iloc[np.linspace(0, len(stamps) - 1, count).astype(int)]
    return [stamp.floor("min") + timedelta(minutes=1) for stamp in chosen]


@pytest.mark.parametrize("window", ["day", "30m"])
def test_gainers_and_losers_are_those_of_pandas(
    ask: Callable[..., dict[str, Any]], recorded: pd.DataFrame, window: str
) -> None:
    ranked = 0
    for at in instants(recorded, 12):
        minutes_ago = at - timedelta(minutes=30)
        until = pd.Timestamp("2026-02-02 15:45:01") if window == "day" else minutes_ago
        expected = changed(recorded, at, until)
        body = ask("oi-change", at=at.isoformat(), window=window, limit=100, expiry="2026-02-03")
        for name, sign in (("gainers", 1), ("losers", -1)):
            rows = expected[sign * expected["change"] > 0].reset_index()
            rows = rows.assign(key=-sign * rows["change"]).sort_values(["key", "strike", "side"]).head(100)
            found = [(row["side"], row["strike"], row["oi_change"]) for row in body[name]]
            assert found == list(rows[["side", "strike", "change"]].itertuples(index=False, name=None))
            ranked += len(found)
    print(f"{window}: {ranked} rows")
    assert ranked > 1000


def test_the_distribution_says_the_change_of_every_contract(
    ask: Callable[..., dict[str, Any]], recorded: pd.DataFrame
) -> None:
    compared = 0
    for at in instants(recorded, 12):
        expected = changed(recorded, at, pd.Timestamp("2026-02-02 15:45:01"))
        (chain,) = ask("strike-distribution", at=at.isoformat(), expiry="2026-02-03", levels=500)["chains"]
        for row in chain["strikes"]:
            for side in SIDES.values():
                wanted = expected["change"].get((side, row["strike"]))
                assert row.get(side, {}).get("oi_change") == (None if wanted is None else int(wanted))
                compared += wanted is not None
    print(f"{compared} contracts")
    assert compared > 1500


def test_exposure_is_the_sum_over_contracts_and_its_walls_the_largest(
    ask: Callable[..., dict[str, Any]], recorded: pd.DataFrame
) -> None:
    for at in instants(recorded, 12):
        chosen = {"at": at.isoformat(), "expiry": "2026-02-03", "levels": 500}
        (chain,) = ask("strike-distribution", **chosen)["chains"]
        (found,) = ask("exposure", **chosen)["exposures"]
        cells = pd.DataFrame(
            {"strike": row["strike"], "side": side, "gamma": row[side]["gamma"], "oi": row[side]["oi"]}
            for row in chain["strikes"]
            for side in SIDES.values()
            if side in row
        ).astype({"gamma": float, "oi": float})
        sign = np.where(cells["side"] == "call", 1, -1)
        cells["gex"] = sign * cells["gamma"] * cells["oi"] * found["spot"] ** 2 * 0.01
        totals = found["totals"]["gex"]
        assert totals["net"] == pytest.approx(cells["gex"].sum(), rel=1e-9, abs=1.0)
        assert totals["left_out"] == int((cells["gamma"].isna() & (cells["oi"] > 0)).sum())
        by_side = {side: part.set_index("strike")["gex"].abs() for side, part in cells.groupby("side")}
        assert (found["call_wall"], found["put_wall"]) == (by_side["call"].idxmax(), by_side["put"].idxmax())


def test_the_straddle_of_a_smile_is_that_of_the_last_prices(
    ask: Callable[..., dict[str, Any]], recorded: pd.DataFrame
) -> None:
    for at in instants(recorded, 12):
        today = recorded[(recorded["at"] >= at.normalize()) & (recorded["at"] < at)]
        last = known(today).xs("2026-02-03", level="expiry")["last"]
        (smile,) = ask("smile", at=at.isoformat(), expiry="2026-02-03")["smiles"]
        strike = smile["atm_strike"]
        assert smile["straddle"] == pytest.approx(last["call", strike] + last["put", strike])
        assert smile["expected_move"] == pytest.approx(0.85 * smile["straddle"])
