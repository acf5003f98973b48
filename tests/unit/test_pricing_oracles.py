"""Prices, volatilities and Greeks against numbers from elsewhere: 50-digit tables, a textbook, a library."""

import csv
import gzip
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from fo_analytics.domain.pricing import Greeks, evaluate, greeks, implied_volatility, price

Floats = NDArray[np.float64]
TABLE = Path(__file__).parents[1] / "oracles" / "black76.csv.gz"
SECONDS_PER_YEAR = 365 * 86_400
EXPECTED_CASES = 10_000


class Options(NamedTuple):
    """The inputs of the 50-digit table."""

    forward: Floats
    strike: Floats
    years: Floats
    sigma: Floats
    is_call: NDArray[np.bool_]
    rate: Floats


@cache
def table() -> tuple[Options, Greeks]:
    """The 50-digit table: inputs, and price and Greeks rounded to doubles."""
    with gzip.open(TABLE, "rt") as file:
        header = file.readline().strip().split(",")
        columns = dict(zip(header, np.loadtxt(file, delimiter=",", unpack=True), strict=True))
    years, is_call = columns["seconds"] / SECONDS_PER_YEAR, columns["is_call"] == 1
    options = Options(columns["forward"], columns["strike"], years, columns["sigma"], is_call, columns["rate"])
    return options, Greeks(*(columns[name] for name in Greeks._fields))


def relative_error(actual: Floats, expected: Floats) -> Floats:
    """|actual / expected - 1|; a missing number counts as an infinite error."""
    error: Floats = np.abs(actual - expected) / np.abs(expected)
    return np.nan_to_num(error, nan=np.inf)


def is_determined(options: Options, expected: Greeks) -> NDArray[np.bool_]:
    """Where the price as a double determines the volatility: vega sigma 1e-8 > 8 units in its last place."""
    vega = 100 * expected.vega
    determined: NDArray[np.bool_] = vega * options.sigma * 1e-8 > 8 * np.spacing(expected.price)
    return determined


def test_the_table_covers_the_whole_domain() -> None:
    options, expected = table()
    x, seconds = np.log(options.forward / options.strike), options.years * SECONDS_PER_YEAR
    assert len(x) == EXPECTED_CASES
    assert options.sigma.min() < 0.011
    assert options.sigma.max() > 4.9
    assert seconds.min() == 1
    assert seconds.max() > 4.9 * SECONDS_PER_YEAR
    assert x.min() < -2.9
    assert x.max() > 2.9
    assert np.count_nonzero(x == 0) > 100
    assert is_determined(options, expected).sum() > 8_000


def test_prices_are_within_1e_12_of_50_digit_arithmetic() -> None:
    options, expected = table()
    *inputs, rate = options
    assert relative_error(price(*inputs, rate=rate), expected.price).max() <= 1e-12


@pytest.mark.parametrize("name", Greeks._fields)
def test_every_greek_is_within_1e_9_of_50_digit_arithmetic(name: str) -> None:
    options, expected = table()
    *inputs, rate = options
    actual = greeks(*inputs, rate=rate)
    assert relative_error(getattr(actual, name), getattr(expected, name)).max() <= 1e-9


def test_implied_volatility_is_within_1e_8_wherever_the_price_determines_it() -> None:
    options, expected = table()
    forward, strike, years, sigma, is_call, rate = options
    actual, reason = implied_volatility(expected.price, forward, strike, years, is_call, rate=rate)
    determined = is_determined(options, expected)
    assert relative_error(actual[determined], sigma[determined]).max() <= 1e-8
    assert not reason[determined].any()


def test_where_the_price_does_not_determine_it_there_is_still_a_number_or_a_reason() -> None:
    options, expected = table()
    forward, strike, years, _, is_call, rate = options
    actual, reason = implied_volatility(expected.price, forward, strike, years, is_call, rate=rate)
    np.testing.assert_array_equal(np.isnan(actual), reason != 0)
    assert (actual[reason == 0] > 0).all()


def test_one_pass_gives_the_same_as_volatility_and_then_greeks() -> None:
    options, expected = table()
    forward, strike, years, _, is_call, rate = options
    together = evaluate(expected.price, forward, strike, years, is_call, rate=rate)
    sigma, reason = implied_volatility(expected.price, forward, strike, years, is_call, rate=rate)
    np.testing.assert_array_equal(together.sigma, sigma)
    np.testing.assert_array_equal(together.reason, reason)
    np.testing.assert_allclose(together.greeks, greeks(forward, strike, years, sigma, is_call, rate=rate), rtol=1e-13)


HAUG_UNITS = {"delta": 1.0, "gamma": 1.0, "theta": 365.0, "vega": 100.0, "rho": 100.0}


def textbook_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table that apply to options without a dividend or carry."""
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["q"]) == 0]
    assert rows
    return rows


def textbook_greeks(row: dict[str, str]) -> Greeks:
    """Our numbers for a row that states the spot."""
    spot, rate, years = float(row["spot"]), float(row["r"]), float(row["t"])
    forward, is_call = spot * np.exp(rate * years), row["type"] == "Call"
    return greeks(forward, float(row["strike"]), years, float(row["vol"]), is_call, rate=rate)


def test_haugs_prices_hold(shared_data: Path) -> None:
    for row in textbook_rows(shared_data / "oracles" / "haug1998_european_values.csv"):
        assert textbook_greeks(row).price == pytest.approx(float(row["value"]), abs=float(row["tol"]))


def test_haugs_greeks_hold(shared_data: Path) -> None:
    for row in textbook_rows(shared_data / "oracles" / "haug1998_greeks.csv"):
        actual = getattr(textbook_greeks(row), row["greek"]) * HAUG_UNITS[row["greek"]]
        assert actual == pytest.approx(float(row["value"]), abs=6e-5)


VOLLIB_UNITS = {"D": ("delta", 1.0), "G": ("gamma", 1.0), "T": ("theta", 365.0), "V": ("vega", 100.0)}
VOLLIB_UNITS["R"] = ("rho", 100.0)


def test_the_prices_of_py_vollibs_own_tests_hold(shared_data: Path) -> None:
    columns = vollib_columns(shared_data)
    for is_call, name in ((True, "bs_call"), (False, "bs_put")):
        np.testing.assert_allclose(vollib_greeks(columns, is_call).price, columns[name], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("letter", VOLLIB_UNITS)
def test_the_greeks_of_py_vollibs_own_tests_hold(shared_data: Path, letter: str) -> None:
    columns = vollib_columns(shared_data)
    name, unit = VOLLIB_UNITS[letter]
    for is_call in (True, False):
        actual = unit * getattr(vollib_greeks(columns, is_call), name)
        expected = columns[("C" if is_call else "P") + letter]
        np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-6)


def vollib_columns(shared_data: Path) -> dict[str, Floats]:
    """The columns of py_vollib's table, where theta is per year, vega and rho per 1.00."""
    content = json.loads((shared_data / "oracles" / "py_vollib_test_data.json").read_text())
    return dict(zip(content["columns"], np.array(content["data"]).T, strict=True))


def vollib_greeks(columns: dict[str, Floats], is_call: bool) -> Greeks:
    """Our numbers for the whole table."""
    forward = columns["S"] * np.exp(columns["R"] * columns["t"])
    return greeks(forward, columns["K"], columns["t"], columns["v"], is_call, rate=columns["R"])
