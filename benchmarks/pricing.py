"""Implied volatility and Greeks per second on one core, beside other libraries: `python -m benchmarks.pricing`.

Speed: a listed-like market, the rounds of all engines interleaved, medians. Error: of the volatility found from the
prices of tests/oracles/black76.csv.gz (50-digit arithmetic), relative, wherever the price as a double determines
it; missing counts as wrong. Engines that are not installed are left out. Greeks: ours all eight and the price, the
others the five they have.
"""

import csv
import gzip
import importlib
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from fo_analytics.domain.pricing import evaluate, price

Floats = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
MARKET, SCALAR_MARKET, CHAIN = 40_000, 2_000, 400  # an exchange lists about 40,000
SECONDS_PER_YEAR = 365 * 86_400
TOLERANCE = 1e-8


class Batch(NamedTuple):
    """Options with a known volatility. Prices discounted; rupees, years, per square root of a year."""

    price: Floats
    forward: Floats
    strike: Floats
    years: Floats
    is_call: NDArray[np.bool_]
    rate: Floats
    sigma: Floats
    vega: Floats

    def head(self, count: int) -> "Batch":
        """The first options."""
        return Batch._make(column[:count] for column in self)


class Engine(NamedTuple):
    """A way to get volatility and Greeks: returns the volatilities. `market` is how many it is timed on."""

    name: str
    package: str
    market: int
    solve: Callable[[Batch], Floats]


def market(count: int) -> Batch:
    """Like NIFTY's listed options: strikes every 50, a smile, expiries from hours to three months."""
    random = np.random.default_rng(76)
    forward = np.full(count, 24_575.5)
    years = random.choice([0.25, 1, 4, 11, 32, 90], count) / 365
    deviations = random.uniform(-3.5, 3.5, count)
    strike = 50 * np.round(forward * np.exp(deviations * 0.13 * np.sqrt(years)) / 50)
    sigma = 0.11 + 0.012 * deviations**2 - 0.008 * deviations + random.uniform(0, 0.01, count)
    is_call, rate = random.random(count) < 0.5, np.full(count, 0.065)
    quotes = price(forward, strike, years, sigma, is_call, rate=rate)
    vega = evaluate(quotes, forward, strike, years, is_call, rate=rate).greeks.vega * 100
    return Batch(quotes, forward, strike, years, is_call, rate, sigma, vega)


def oracle() -> Batch:
    """The 50-digit table, those options whose price determines the volatility."""
    with gzip.open(ROOT / "tests" / "oracles" / "black76.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    years, vega = column["seconds"] / SECONDS_PER_YEAR, 100 * column["vega"]
    determined = vega * column["sigma"] * TOLERANCE > 8 * np.spacing(column["price"])
    inputs = column["price"], column["forward"], column["strike"], years, column["is_call"] == 1
    table = Batch(*inputs, column["rate"], column["sigma"], vega)
    return Batch._make(values[determined] for values in table)


def ours(batch: Batch) -> Floats:
    """This project: volatility, price and eight Greeks in one pass."""
    return evaluate(*batch[:5], rate=batch.rate).sigma


def py_vollib() -> Callable[[Batch], Floats]:
    """Scalar Python over compiled Let's Be Rational."""
    solve = importlib.import_module("vollib.black.implied_volatility").implied_volatility
    analytical = importlib.import_module("vollib.black.greeks.analytical")
    functions = [getattr(analytical, name) for name in ("delta", "gamma", "theta", "vega", "rho")]

    def one(quote: float, forward: float, strike: float, years: float, is_call: bool, rate: float) -> float:
        flag = "c" if is_call else "p"
        sigma = float(solve(quote, forward, strike, rate, years, flag))
        for function in functions:
            function(flag, forward, strike, years, rate, sigma)
        return sigma

    return scalar(one)


def quantlib() -> Callable[[Batch], Floats]:
    """QuantLib's Black formula through its Python binding, one option at a time, asked for 14 digits."""
    ql = importlib.import_module("QuantLib")
    no_guess, accuracy, iterations = ql.nullDouble(), 1e-14, 200

    def one(quote: float, forward: float, strike: float, years: float, is_call: bool, rate: float) -> float:
        discount, side = math.exp(-rate * years), ql.Option.Call if is_call else ql.Option.Put
        total = ql.blackFormulaImpliedStdDev(
            side, strike, forward, quote, discount, 0.0, no_guess, accuracy, iterations
        )
        calculator = ql.BlackCalculator(ql.PlainVanillaPayoff(side, strike), forward, total, discount)
        spot = forward * discount
        calculator.delta(spot)
        calculator.gamma(spot)
        calculator.theta(spot, years)
        calculator.vega(years)
        calculator.rho(years)
        return float(total) / math.sqrt(years)

    return scalar(one)


def scalar(one: Callable[..., float]) -> Callable[[Batch], Floats]:
    """A function of one option over a batch; an exception is a missing volatility."""

    def guarded(*option: float) -> float:
        try:
            return one(*option)
        except Exception:  # noqa: BLE001 - whatever a library raises, it found nothing
            return float("nan")

    def solve(batch: Batch) -> Floats:
        rows = zip(*(column.tolist() for column in batch[:6]), strict=True)
        return np.array([guarded(*row) for row in rows])

    return solve


def fast_vollib(backend: str) -> Callable[[Batch], Floats]:
    """Arrays; Halley's method with bisection, then five Greeks."""
    library = importlib.import_module("fast_vollib")

    def solve(batch: Batch) -> Floats:
        flag = np.where(batch.is_call, "c", "p")
        options: dict[str, Any] = {"model": "black", "return_as": "numpy", "backend": backend}
        inputs = batch.forward, batch.strike, batch.years, batch.rate
        sigma = library.fast_implied_volatility(batch.price, *inputs, flag, on_error="ignore", **options)
        known = np.where(np.isnan(sigma) | (sigma <= 0), 0.2, sigma)
        library.get_all_greeks(flag, *inputs, known, **{**options, "return_as": "dict"})
        return np.asarray(sigma, dtype=np.float64)

    return solve


def engines() -> list[Engine]:
    """Those that can be imported here, ours first."""
    makers: list[tuple[str, str, int, Callable[[], Callable[[Batch], Floats]]]] = [
        ("this project", "numba", MARKET, lambda: ours),
        ("fast-vollib numba", "fast-vollib", MARKET, lambda: fast_vollib("numba")),
        ("QuantLib (scalar)", "QuantLib", SCALAR_MARKET, quantlib),
        ("py_vollib (scalar)", "py_vollib", SCALAR_MARKET, py_vollib),
    ]
    found = []
    for name, package, size, make in makers:
        try:
            found.append(Engine(name, f"{package} {version(package)}", size, make()))
        except (ImportError, PackageNotFoundError):
            print(f"{name}: not installed, left out")
    return found


class Seconds(NamedTuple):
    """Time by the clock on the wall, and time the processor gave us: they differ where others use it too."""

    wall: float
    cpu: float


def timed(solve: Callable[[Batch], Floats], batch: Batch) -> Seconds:
    """The time of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    solve(batch)
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def interleaved(found: list[Engine], batches: list[Batch]) -> list[Seconds]:
    """The median times of each engine on its batch, the rounds taking turns; the first round is not counted."""
    pairs = list(zip(found, batches, strict=True))
    rounds = [[timed(engine.solve, batch) for engine, batch in pairs] for _ in range(ROUNDS + 1)]
    return [Seconds(*map(statistics.median, zip(*times, strict=True))) for times in zip(*rounds[1:], strict=True)]


def errors(engine: Engine, batch: Batch) -> Floats:
    """Relative errors of the volatilities, missing is infinite; ValueError where nearly all are missing."""
    found = engine.solve(batch)
    if np.isnan(found).mean() > 0.5:
        raise ValueError(f"{engine.name} fails on most options: its call here is wrong")
    error: Floats = np.abs(found / batch.sigma - 1)
    return np.nan_to_num(error, nan=np.inf)


def start_up_times() -> tuple[float, float]:
    """Seconds from the start of Python to the first answers, with and without compiling."""
    program = (
        "from fo_analytics.domain.pricing import evaluate, greeks, implied_volatility, price\n"
        "evaluate(12.0, 100.0, 90.0, 0.1, True); greeks(100.0, 90.0, 0.1, 0.2, True)\n"
        "implied_volatility(12.0, 100.0, 90.0, 0.1, True); price(100.0, 90.0, 0.1, 0.2, True)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}

        def run() -> float:
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], env=environment, check=True)
            return time.perf_counter() - started

        return run(), statistics.median(run() for _ in range(5))


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    numba.set_num_threads(1)
    print(f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}, one thread")
    found, listed, table = engines(), market(MARKET), oracle()
    whole = interleaved(found, [listed.head(engine.market) for engine in found])
    chain = interleaved(found, [listed.head(CHAIN)] * len(found))
    print(f"\n{'':20} {'options/s':>10} {'per CPU s':>10} {'400 ms':>7} {'worst error':>12} {'> 1e-8':>7} {'none':>6}")
    for engine, total, latency in zip(found, whole, chain, strict=True):
        error = errors(engine, table)
        print(
            f"{engine.name:20} {engine.market / total.wall:10,.0f} {engine.market / total.cpu:10,.0f} "
            f"{latency.wall * 1e3:7.3f} {error[np.isfinite(error)].max():12.1e} "
            f"{np.mean(error > TOLERANCE):7.2%} {np.mean(np.isinf(error)):6.2%}  {engine.package}"
        )
    cold, warm = start_up_times()
    print(f"\nfrom the start of Python to the first answers: compiling {cold:.1f} s, from the cache {warm:.2f} s")


if __name__ == "__main__":
    main()
