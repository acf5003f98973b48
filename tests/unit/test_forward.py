"""The forward: what parity says, what is done without pairs, and a recorded day."""

import csv
import gzip
import math
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fo_analytics.domain.forward import (
    Forward,
    forward_or_fallback,
    implied_forward,
    spot_contradicts_parity,
)
from fo_analytics.domain.pricing import implied_volatility, price

Floats = NDArray[np.float64]
NAN = float("nan")
RATE, YEARS = 0.065, 4 / 365
LADDER = np.arange(24_000.0, 26_001.0, 50.0)


class Chain(NamedTuple):
    """Marks of one expiry."""

    strike: Floats
    call: Floats
    put: Floats


def chain(forward: float, strikes: Floats = LADDER, rate: float = RATE) -> Chain:
    """Marks that obey parity for this forward exactly."""
    call, put = price(forward, strikes, YEARS, 0.13, np.array([[True], [False]]), rate=rate)
    return Chain(strikes, call, put)


@given(st.floats(24_100, 25_900), st.sampled_from([0.0, 0.065, 0.1]))
def test_marks_that_obey_parity_give_their_forward_back(forward: float, rate: float) -> None:
    found = implied_forward(*chain(forward, rate=rate), YEARS, rate=rate)
    assert found.value == pytest.approx(forward, rel=1e-12)
    assert found[1:] == ("parity", 7)


def test_three_marks_in_seven_may_be_wild() -> None:
    marks = chain(25_010)
    at_the_money = np.abs(LADDER - 25_000).argmin()
    marks.put[at_the_money + np.array([-2, 1, 3])] *= [1.3, 3, 0.5]
    assert implied_forward(*marks, YEARS, rate=RATE).value == pytest.approx(25_010, abs=1e-6)


@pytest.mark.parametrize("side", ["call", "put"])
def test_only_the_seven_strikes_nearest_the_smallest_difference_count(side: str) -> None:
    marks = chain(25_010)
    far = np.abs(LADDER - 25_000) > 150
    assert far.sum() == len(LADDER) - 7
    getattr(marks, side)[far] += 2_000
    assert implied_forward(*marks, YEARS, rate=RATE).value == pytest.approx(25_010, abs=1e-6)


def test_the_order_of_the_strikes_does_not_matter() -> None:
    shuffled = np.random.default_rng(3).permutation(len(LADDER))
    strike, call, put = chain(24_777.35)
    expected = implied_forward(strike, call, put, YEARS, rate=RATE)
    found = implied_forward(strike[shuffled], call[shuffled], put[shuffled], YEARS, rate=RATE)
    assert found == expected


def test_of_two_strikes_as_near_the_lower_one_is_taken() -> None:
    strikes = np.arange(100.0, 180.0, 10.0)
    call, put = np.full(8, 5.0), np.full(8, 5.0) + np.abs(strikes - 135) / 100
    # 130 and 140 have the same |C - P|: centred on 130 the seven are 100 ... 160.
    found = implied_forward(strikes, call, put, 0.0, rate=RATE)
    assert found.value == median((strikes + call - put)[:7])


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_fewer_than_three_pairs_are_none(pairs: int) -> None:
    marks = chain(25_010)
    marks.put[pairs:] = NAN
    found = implied_forward(*marks, YEARS, rate=RATE)
    assert math.isnan(found.value)
    assert found[1:] == ("none", 0)


def test_three_pairs_are_enough_and_are_counted() -> None:
    marks = chain(25_010)
    marks.call[:20] = NAN
    marks.put[23:] = NAN
    found = implied_forward(*marks, YEARS, rate=RATE)
    assert found.value == pytest.approx(25_010, abs=1e-6)
    assert found[1:] == ("parity", 3)


def test_three_pairs_of_mids_push_out_every_last_price() -> None:
    marks = chain(25_010)
    is_mid = np.zeros(len(LADDER), dtype=bool)
    is_mid[[5, 20, 35]] = True
    marks.call[~is_mid] += 40
    found = implied_forward(*marks, YEARS, rate=RATE, is_mid=is_mid)
    assert found.value == pytest.approx(25_010, abs=1e-6)
    assert found.pairs == 3


def test_two_pairs_of_mids_push_out_nothing() -> None:
    marks = chain(25_010)
    is_mid = np.zeros(len(LADDER), dtype=bool)
    is_mid[[5, 20]] = True
    marks.call[[5, 20]] += 40
    found = implied_forward(*marks, YEARS, rate=RATE, is_mid=is_mid)
    assert found.pairs == 7
    assert found.value == pytest.approx(25_010, abs=1e-6)


def test_pairs_of_now_push_out_old_ones_that_look_nearer_the_money() -> None:
    """The market went up by 1,000: what was listed around the old money is worth next to nothing, call as put."""
    now, before = chain(26_000, np.arange(25_500.0, 26_501.0, 50.0)), chain(25_000, np.arange(24_500.0, 25_451.0, 50.0))
    marks = Chain(*(np.concatenate(both) for both in zip(before, now, strict=True)))
    is_fresh = marks.strike >= 25_500
    assert implied_forward(*marks, YEARS, rate=RATE).value == pytest.approx(25_000, abs=1e-6)
    found = implied_forward(*marks, YEARS, rate=RATE, is_fresh=is_fresh, is_mid=~is_fresh)
    assert found.value == pytest.approx(26_000, abs=1e-6)


def test_mids_are_preferred_among_what_is_fresh() -> None:
    marks = chain(25_010)
    is_fresh, is_mid = np.zeros((2, len(LADDER)), dtype=bool)
    is_fresh[10:30], is_mid[[3, 19, 20, 21, 35]] = True, True
    marks.call[~(is_fresh & is_mid)] += 40
    found = implied_forward(*marks, YEARS, rate=RATE, is_fresh=is_fresh, is_mid=is_mid)
    assert found.value == pytest.approx(25_010, abs=1e-6)
    assert found.pairs == 3


def test_where_fewer_than_three_pairs_are_fresh_age_does_not_matter() -> None:
    marks, is_fresh = chain(25_010), np.arange(len(LADDER)) < 2
    marks.call[is_fresh] += 40
    assert implied_forward(*marks, YEARS, rate=RATE, is_fresh=is_fresh) == implied_forward(*marks, YEARS, rate=RATE)


@pytest.mark.parametrize("years", [NAN, math.inf])
def test_a_time_that_is_no_number_gives_no_forward(years: float) -> None:
    assert implied_forward(*chain(25_010), years, rate=RATE).source == "none"


def test_zero_and_negative_marks_are_no_marks() -> None:
    marks = chain(25_010)
    marks.call[:20], marks.put[22:] = 0.0, -1.0
    assert implied_forward(*marks, YEARS, rate=RATE).source == "none"


def test_lengths_that_differ_raise_value_error() -> None:
    marks = chain(25_010)
    with pytest.raises(ValueError, match="one length"):
        implied_forward(marks.strike, marks.call[1:], marks.put, YEARS, rate=RATE)
    with pytest.raises(ValueError, match="shape"):
        implied_forward(*marks, YEARS, rate=RATE, is_mid=np.ones(3, dtype=bool))


def test_the_forward_comes_from_parity_else_the_future_else_the_spot() -> None:
    marks, absent = chain(25_010), chain(25_010)
    absent.call[:] = NAN
    full = forward_or_fallback(*marks, YEARS, rate=RATE, future=25_100, spot=25_000)
    assert full == implied_forward(*marks, YEARS, rate=RATE)
    assert forward_or_fallback(*absent, YEARS, rate=RATE, future=25_100, spot=25_000) == (25_100, "future", 0)
    carried = 25_000 * math.exp(RATE * YEARS)
    assert forward_or_fallback(*absent, YEARS, rate=RATE, spot=25_000) == (carried, "spot", 0)
    assert forward_or_fallback(*absent, YEARS, rate=RATE).source == "none"


@pytest.mark.parametrize("price_of_nothing", [0.0, -1.0, NAN, math.inf])
def test_a_future_or_spot_of_nothing_is_none(price_of_nothing: float) -> None:
    empty = np.empty(0)
    found = forward_or_fallback(empty, empty, empty, YEARS, rate=RATE, future=price_of_nothing, spot=price_of_nothing)
    assert math.isnan(found.value)
    assert found[1:] == ("none", 0)


def test_a_spot_more_than_two_per_cent_from_parity_contradicts_it() -> None:
    spot = 25_000 * math.exp(-RATE * YEARS)
    assert not spot_contradicts_parity(25_000, spot, YEARS, RATE)
    assert not spot_contradicts_parity(25_000 * 1.0199, spot, YEARS, RATE)
    assert not spot_contradicts_parity(25_000 * 0.9801, spot, YEARS, RATE)
    assert spot_contradicts_parity(25_000 * 1.0201, spot, YEARS, RATE)
    assert spot_contradicts_parity(25_000 * 0.9799, spot, YEARS, RATE)


@pytest.mark.parametrize(("forward", "spot"), [(NAN, 25_000.0), (25_000.0, NAN), (25_000.0, 0.0)])
def test_nothing_to_compare_is_no_contradiction(forward: float, spot: float) -> None:
    assert not spot_contradicts_parity(forward, spot, YEARS, RATE)


EXPIRIES = {"2025-09-02": "fwd_mid_02Sep", "2025-09-30": "fwd_mid_30Sep"}


def mid(row: dict[str, str], side: str) -> float:
    """The mid of a contract quoted on both sides, uncrossed and less than 20 % or two ticks apart."""
    bid, ask = float(row[f"{side}_Bid_Price"]), float(row[f"{side}_Ask_Price"])
    middle, spread = (bid + ask) / 2, ask - bid
    is_tight = spread < 0.2 * middle or spread < 0.101
    return middle if bid > 0 and spread >= 0 and is_tight else NAN


def recorded_mids(folder: Path) -> dict[tuple[str, str], dict[float, tuple[float, float]]]:
    """Of each snapshot and expiry the mids of call and put by strike; of polls that repeat it the first."""
    snapshots: dict[tuple[str, str], dict[float, tuple[float, float]]] = defaultdict(dict)
    with gzip.open(folder / "nifty_option_chain.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            marks = mid(row, "CALLS"), mid(row, "PUTS")
            snapshot = snapshots[row["Fetch_Time"], row["Expiry_Date"]]
            snapshot.setdefault(float(row["Strike_Price"]), marks)
    return snapshots


def chain_of(snapshot: dict[float, tuple[float, float]]) -> Chain:
    """A recorded snapshot as arrays, strikes ascending."""
    strikes = sorted(snapshot)
    calls, puts = np.array([snapshot[strike] for strike in strikes]).T
    return Chain(np.array(strikes), calls, puts)


def years_left(time: str, expiry: str) -> float:
    """From an instant in India to 15:30 of the expiry date."""
    left = datetime.fromisoformat(f"{expiry} 15:30:00+05:30") - datetime.fromisoformat(f"{time}+05:30")
    return left / timedelta(days=365)


def forward_of(snapshot: dict[float, tuple[float, float]], time: str, expiry: str) -> Forward:
    """Our forward of one recorded snapshot."""
    return implied_forward(*chain_of(snapshot), years_left(time, expiry), rate=RATE)


def test_on_the_recorded_day_every_forward_is_the_one_made_beside_it(shared_data: Path) -> None:
    folder = shared_data / "nse_2025_08_29"
    snapshots = recorded_mids(folder)
    errors = []
    with (folder / "nifty_forward_and_spot.csv").open() as file:
        for row in csv.DictReader(file):
            for expiry, column in EXPIRIES.items():
                time = row["fetch_time"]
                found = forward_of(snapshots[time, expiry], time, expiry)
                assert found[1:] == ("parity", 7)
                errors.append(abs(found.value - float(row[column])))
    assert len(errors) > 500
    assert median(errors) <= 0.3
    assert max(errors) <= 3


@pytest.mark.parametrize("expiry", EXPIRIES)
def test_with_that_forward_call_and_put_of_a_strike_tell_the_same_volatility(shared_data: Path, expiry: str) -> None:
    gaps = []
    for (time, date), snapshot in recorded_mids(shared_data / "nse_2025_08_29").items():
        if date == expiry:
            marks, forward = chain_of(snapshot), forward_of(snapshot, time, date).value
            at_the_money = int(np.abs(marks.strike - forward).argmin())
            strike, call, put = (row[at_the_money - 5 : at_the_money + 6] for row in marks)
            years, sides = years_left(time, date), np.array([[True], [False]])
            sigma, _ = implied_volatility(np.array([call, put]), forward, strike, years, sides, rate=RATE)
            gaps.extend(100 * np.abs(sigma[0] - sigma[1]))
    assert np.isnan(gaps).mean() < 0.001
    assert np.nanmedian(gaps) <= 0.05
    assert np.nanquantile(gaps, 0.95) <= 0.15
