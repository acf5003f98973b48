"""Measures of recorded chains, from the files by plain pandas and by the domain's functions: equal, every snapshot."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from fo_analytics.domain.changes import Reference, changes
from fo_analytics.domain.forward import implied_forward
from fo_analytics.domain.open_interest import (
    BuildUp,
    build_up,
    gainers,
    losers,
    max_pain,
    oi_change,
    put_call_ratio,
)
from fo_analytics.domain.pricing import implied_volatility
from fo_analytics.domain.smile import expected_move_by_volatility, smile, smile_measures, straddle

Floats = NDArray[np.float64]
RATE = 0.065
DAYS = ("2026-01-30", "2026-02-01", "2026-02-02", "2026-02-03")
WORDS = {
    (1, 1): BuildUp.LONG_BUILD_UP,
    (-1, 1): BuildUp.SHORT_BUILD_UP,
    (1, -1): BuildUp.SHORT_COVERING,
    (-1, -1): BuildUp.LONG_UNWINDING,
}


def chains(folder: Path, day: str) -> pd.DataFrame:
    """Return a recorded day: a row per underlying, snapshot and strike; no price is NaN."""
    frame = pd.read_csv(folder / "nse_2026_02" / f"index_option_chain_{day}.csv.gz")
    frame["at"] = pd.to_datetime(frame["timestamp"])
    frame["years"] = (pd.to_datetime(frame["Expiry"]) + pd.Timedelta("15:30:00") - frame["at"]) / pd.Timedelta("365D")
    prices = ["CE_LTP", "PE_LTP"]
    frame[prices] = frame[prices].where(frame[prices] > 0)
    return frame.sort_values(["Symbol", "at", "Strike"])


@pytest.fixture(scope="module", params=DAYS)
def day(request: pytest.FixtureRequest, shared_data: Path) -> pd.DataFrame:
    """A recorded day."""
    return chains(shared_data, request.param)


def snapshots(day: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield each underlying's chain at each instant."""
    for _, rows in day.groupby(["Symbol", "at"]):
        yield rows


def both(rows: pd.DataFrame, name: str) -> Floats:
    """Return a measure of calls and puts (2, k)."""
    return np.stack([rows[f"{kind}_{name}"].to_numpy(dtype=np.float64) for kind in ("CE", "PE")])


def plain_forward(rows: pd.DataFrame) -> float:
    """Parity's forward of one snapshot, by sorting rows."""
    pairs = rows.dropna(subset=["CE_LTP", "PE_LTP"])
    apart = pairs["CE_LTP"] - pairs["PE_LTP"]
    implied = pairs["Strike"] + np.exp(RATE * pairs["years"]) * apart
    centre = pairs.loc[apart.abs().sort_values(kind="stable").index[0], "Strike"]
    nearest = (pairs["Strike"] - centre).abs().sort_values(kind="stable").index[:7]
    return float(implied[nearest].median())


def plain_straddle(rows: pd.DataFrame, forward: float) -> float:
    """Both prices in the row nearest the forward."""
    at = (rows["Strike"] - forward).abs().sort_values(kind="stable").index[0]
    return float(rows.loc[at, "CE_LTP"] + rows.loc[at, "PE_LTP"])


def plain_max_pain(rows: pd.DataFrame, forward: float) -> float:
    """What every strike would cost, over all pairs of strikes; whole numbers, so that ties are ties."""
    strikes = rows["Strike"].to_numpy()
    above = np.subtract.outer(strikes, strikes)
    pain = above.clip(min=0) @ rows["CE_OI"].to_numpy() + (-above).clip(min=0) @ rows["PE_OI"].to_numpy()
    ties = strikes[pain == pain.min()]
    return float(min(ties, key=lambda strike: (abs(strike - forward), strike)))


def test_put_call_ratios_are_those_of_the_sums(day: pd.DataFrame) -> None:
    for rows in snapshots(day):
        total = rows.sum(numeric_only=True)
        for name in ("OI", "Volume"):
            expected = total[f"PE_{name}"] / total[f"CE_{name}"] if total[f"CE_{name}"] else math.nan
            assert put_call_ratio(*both(rows, name)) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_max_pain_is_the_cheapest_of_all_strikes(day: pd.DataFrame) -> None:
    for rows in snapshots(day):
        forward = plain_forward(rows)
        expected = plain_max_pain(rows, forward)
        assert max_pain(rows["Strike"], rows["CE_OI"], rows["PE_OI"], forward=forward) == expected


def test_the_straddle_is_the_row_nearest_the_forward(day: pd.DataFrame) -> None:
    known = []
    for rows in snapshots(day[day["years"] > 0]):
        strike, mark, years = rows["Strike"].to_numpy(), both(rows, "LTP"), float(rows["years"].iloc[0])
        forward = implied_forward(strike, mark[0], mark[1], years, rate=RATE).value
        plain = plain_forward(rows)
        assert forward == pytest.approx(plain, rel=1e-14)
        expected = plain_straddle(rows, plain)
        assert straddle(strike, mark, forward=forward) == pytest.approx(expected, rel=1e-14, nan_ok=True)
        known.append(not math.isnan(expected))
    assert np.mean(known) > 0.9


def long(day: pd.DataFrame) -> pd.DataFrame:
    """Return a row per contract and snapshot, by time: price, open interest, and those at least 5 minutes before."""
    sides = [
        day[["Symbol", "Strike", "at", f"{kind}_LTP", f"{kind}_OI"]]
        .set_axis(["symbol", "strike", "at", "price", "oi"], axis=1)
        .assign(is_call=kind == "CE")
        for kind in ("CE", "PE")
    ]
    rows = pd.concat(sides).sort_values("at", kind="stable")
    before = rows.assign(at=rows["at"] + pd.Timedelta("5min"))
    return pd.merge_asof(rows, before, on="at", by=["symbol", "strike", "is_call"], suffixes=("", "_before"))


def chain_of(rows: pd.DataFrame) -> Reference:
    """Return a snapshot as what later ones are compared with."""
    return Reference(0, rows["Strike"].to_numpy(dtype=np.float64), both(rows, "LTP"), both(rows, "OI"))


def closing(folder: Path, day: str, symbol: str) -> pd.DataFrame:
    """Return the last chain of an underlying recorded on a day."""
    rows = chains(folder, day).query("Symbol == @symbol")
    return rows[rows["at"] == rows["at"].max()]


def plain_changes(now: pd.DataFrame, before: pd.DataFrame, kind: str) -> pd.DataFrame:
    """What each strike of one side changed from what it had before, strike by strike; NaN where it had nothing."""
    names = {f"{kind}_LTP": "price", f"{kind}_OI": "oi"}
    held = [frame.set_index("Strike")[list(names)].rename(columns=names) for frame in (now, before)]
    then = held[1].reindex(held[0].index)
    change = held[0] - then
    percent = change / then.where(then > 0) * 100
    words = [
        None if math.isnan(price) or math.isnan(oi) else WORDS.get((price, oi), BuildUp.NONE).name.lower()
        for price, oi in np.sign(pd.DataFrame({"price": percent["price"], "oi": change["oi"]})).to_numpy()
    ]
    word = pd.Series(words, change.index, dtype=object)
    return pd.DataFrame({"oi": change["oi"], "oi_percent": percent["oi"], "price": change["price"], "word": word})


@pytest.mark.parametrize("symbol", ["NIFTY", "BANKNIFTY", "MIDCPNIFTY"])
@pytest.mark.parametrize(("previous", "present"), list(pairwise(DAYS)))
def test_changes_since_the_session_before_are_those_of_the_strikes_laid_side_by_side(
    shared_data: Path, previous: str, present: str, symbol: str
) -> None:
    before, today = closing(shared_data, previous, symbol), chains(shared_data, present).query("Symbol == @symbol")
    # Half the ladder, so that strikes stand in other places, and some were not listed then.
    before = before.iloc[len(before) // 4 : -len(before) // 4]
    words: set[object] = set()
    for rows in list(snapshots(today))[::5]:
        strike = rows["Strike"].to_numpy(dtype=np.float64)
        found = changes(strike, both(rows, "LTP"), both(rows, "OI"), chain_of(before))
        for side, kind in enumerate(("CE", "PE")):
            expected = plain_changes(rows, before, kind)
            for name in ("oi", "oi_percent", "price"):
                np.testing.assert_allclose(getattr(found, name)[side], expected[name], rtol=1e-12, atol=1e-10)
            named = expected["word"].tolist()
            assert found.build_up[side].tolist() == named
            words.update(named)
        assert np.isnan(found.oi).any()
        assert (found.oi != 0).any()
    assert words >= {None, "long_build_up", "short_build_up", "short_covering", "long_unwinding"}


def test_the_class_of_changes_against_five_minutes_ago_is_that_of_their_signs(day: pd.DataFrame) -> None:
    rows = long(day)
    signs = np.sign(rows[["price", "oi"]].to_numpy() - rows[["price_before", "oi_before"]].to_numpy())
    expected = [WORDS.get((price, oi), BuildUp.NONE) for price, oi in signs]
    found = build_up(rows["price"] - rows["price_before"], oi_change(rows["oi"], rows["oi_before"]))
    assert found.tolist() == expected
    assert set(expected) == set(BuildUp)


@pytest.mark.parametrize("limit", [10, 1000])
def test_gainers_and_losers_of_a_day_are_the_sorted_table(day: pd.DataFrame, limit: int) -> None:
    rows = long(day)
    last = rows[(rows["symbol"] == "NIFTY") & (rows["at"] == rows["at"].max())].reset_index(drop=True)
    last["change"] = last["oi"] - last["oi_before"]
    arguments = (last["change"], last["strike"], last["is_call"])
    by = ["change", "strike", "is_call"]
    up = last[last["change"] > 0].sort_values(by, ascending=[False, True, False]).index[:limit]
    down = last[last["change"] < 0].sort_values(by, ascending=[True, True, False]).index[:limit]
    assert gainers(*arguments, limit=limit).tolist() == up.tolist()
    assert losers(*arguments, limit=limit).tolist() == down.tolist()


@pytest.fixture(scope="module")
def quoted_day(shared_data: Path) -> pd.DataFrame:
    """Return the day with quotes: a row per expiry, snapshot and strike."""
    frame = pd.read_csv(shared_data / "nse_2025_08_29" / "nifty_option_chain.csv.gz")
    return frame.drop_duplicates(["Fetch_Time", "Expiry_Date", "Strike_Price"])


@pytest.mark.parametrize("side", ["CALLS", "PUTS"])
def test_the_change_is_the_one_the_exchange_publishes(quoted_day: pd.DataFrame, side: str) -> None:
    # Its previous open interest is learnt from the first snapshot alone; an open interest of 0 is "not said".
    said = quoted_day[quoted_day[f"{side}_OI"] > 0].sort_values("Fetch_Time", kind="stable")
    first = said.groupby(["Expiry_Date", "Strike_Price"])[[f"{side}_OI", f"{side}_Chng_in_OI"]].transform("first")
    reference = first[f"{side}_OI"] - first[f"{side}_Chng_in_OI"]
    assert len(said) > 25_000
    np.testing.assert_array_equal(oi_change(said[f"{side}_OI"], reference), said[f"{side}_Chng_in_OI"])


def test_the_straddle_is_four_fifths_of_the_expected_move_and_puts_are_dearer(quoted_day: pd.DataFrame) -> None:
    # At the money C + P = √(2/π) · F · σ · √T (M. Brenner, M. Subrahmanyam, 1988).
    shares, reversals, butterflies = [], [], []
    monthly = quoted_day[quoted_day["Expiry_Date"] == "2025-09-30"]
    for time, rows in list(monthly.groupby("Fetch_Time"))[::20]:
        prices = [(rows[f"{side}_Bid_Price"] + rows[f"{side}_Ask_Price"]) / 2 for side in ("CALLS", "PUTS")]
        quoted = (rows[["CALLS_Bid_Price", "PUTS_Bid_Price"]] > 0).to_numpy().T
        strike, mark = rows["Strike_Price"].to_numpy(dtype=float), np.where(quoted, np.array(prices), np.nan)
        years = (pd.Timestamp("2025-09-30 15:30") - pd.Timestamp(str(time))) / pd.Timedelta("365D")
        forward = implied_forward(strike, mark[0], mark[1], years, rate=RATE).value
        iv, _ = implied_volatility(mark, forward, strike, years, [[True], [False]], rate=RATE)
        found = smile(strike, iv, forward=forward, years=years)
        deviation = float(expected_move_by_volatility(forward, found.atm_iv, years))
        shares.append(straddle(strike, mark, forward=forward) / deviation)
        measures = smile_measures(found)
        reversals.append(measures.risk_reversal)
        butterflies.append(measures.butterfly)
    assert shares == pytest.approx([math.sqrt(2 / math.pi)] * len(shares), rel=0.02)
    assert -0.06 < max(reversals) < 0
    assert 0 < min(butterflies) < 0.02
