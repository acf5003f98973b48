"""Write black76.csv.gz, 10,000 options in 50-digit arithmetic: `python tests/oracles/make_black76.py`.

Inputs are exact: doubles as printed, years = seconds / 31,536,000 in double arithmetic. Volatilities 1 % to
500 %, times 1 s to 5 years, |ln K/F| <= 3. Columns after the inputs: price and Greeks in the units of
`fo_analytics.domain.pricing`.
"""

import csv
import gzip
import io
from pathlib import Path

import mpmath as mp  # type: ignore[import-untyped]
import numpy as np

TABLE = Path(__file__).with_name("black76.csv.gz")
CASES = 10_000
SECONDS_PER_YEAR = 365 * 86_400
INPUTS = ("forward", "strike", "seconds", "sigma", "is_call", "rate")
OUTPUTS = ("price", "delta", "gamma", "theta", "vega", "rho", "vanna", "charm", "volga")
SMALLEST = mp.mpf("1e-290")
mp.mp.dps = 50


def normal(d: mp.mpf) -> mp.mpf:
    """The cumulative normal distribution, relatively exact in its tail."""
    return mp.erfc(-d / mp.sqrt(2)) / 2


def black76(forward: float, strike: float, years: float, sigma: float, sign: int, rate: float) -> list[mp.mpf]:
    """The textbook formulas, term by term."""
    f, k, t, v, r = (mp.mpf(value) for value in (forward, strike, years, sigma, rate))
    discount, root = mp.exp(-r * t), mp.sqrt(t)
    spot = f * discount
    d1 = mp.log(f / k) / (v * root) + v * root / 2
    d2 = d1 - v * root
    density = mp.npdf(d1)
    vega = spot * density * root / 100
    return [
        sign * discount * (f * normal(sign * d1) - k * normal(sign * d2)),
        sign * normal(sign * d1),
        density / (spot * v * root),
        (-spot * density * v / (2 * root) - sign * r * k * discount * normal(sign * d2)) / 365,
        vega,
        sign * k * t * discount * normal(sign * d2) / 100,
        -density * d2 / (100 * v),
        -density * (r / (v * root) - d2 / (2 * t)) / 365,
        vega * d1 * d2 / (100 * v),
    ]


def draw(random: np.random.Generator) -> tuple[float, float, int, float, int, float]:
    """One option: a third anywhere in the domain, a third within nine deviations, the rest near or at the
    money."""
    seconds = round(float(np.exp(random.uniform(0, np.log(5 * SECONDS_PER_YEAR)))))
    sigma = float(f"{np.exp(random.uniform(np.log(0.01), np.log(5.0))):.4g}")
    forward = float(f"{np.exp(random.uniform(np.log(10), np.log(100_000))):.6g}")
    total = sigma * np.sqrt(seconds / SECONDS_PER_YEAR)
    x = random.choice([random.uniform(-3, 3), total * random.uniform(-9, 9), total * random.normal(), 0.0],
                      p=[0.33, 0.34, 0.31, 0.02])  # fmt: skip
    strike = float(f"{forward * np.exp(np.clip(x, -2.999, 2.999)):.9g}") if x else forward
    rate = float(random.choice([0.0, 0.065, 0.1, 0.25]))
    return forward, strike, seconds, sigma, int(random.integers(2)), rate


def rows(random: np.random.Generator) -> list[list[str]]:
    """The table; an option whose out-of-the-money price is no normal double is drawn anew."""
    table: list[list[str]] = []
    while len(table) < CASES:
        forward, strike, seconds, sigma, is_call, rate = draw(random)
        years = seconds / SECONDS_PER_YEAR
        values = black76(forward, strike, years, sigma, 2 * is_call - 1, rate)
        if values[4] * sigma > SMALLEST:
            inputs = [repr(forward), repr(strike), str(seconds), repr(sigma), str(is_call), repr(rate)]
            table.append(inputs + [mp.nstr(value, 17) for value in values])
    return table


def main() -> None:
    """Draw, compute, write; the same bytes every time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(INPUTS + OUTPUTS)
    writer.writerows(rows(np.random.default_rng(1976)))
    TABLE.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
