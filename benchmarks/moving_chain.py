"""A NIFTY chain that moves from second to second, as ingest would publish it."""

from collections.abc import Iterator
from datetime import date

import numpy as np

from benchmarks.market import SPOT, STEP
from fo_analytics.domain.chain import Quotes, Terms
from fo_analytics.domain.chain_view import ChainView
from fo_analytics.domain.document import Subject, chain_view
from fo_analytics.domain.pricing import price
from fo_analytics.domain.ticks import Floats, Ints, Mask

RUNGS, LOT, TICK = 111, 65.0, 0.05
# How many rungs from the money a contract's quote moves in every third second, and is traded.
QUOTED, TRADED = 25.0, 15.0
OI_SECONDS = 180  # how often the exchange says it
RATE = 0.065


def moving_chain(expiry: date, began_ms: int, expires_ms: int) -> Iterator[ChainView]:
    """Yield the chain of one expiry second by second; the spot walks by 3 rupees a second.

    Every second the forward moves, and with it the Greeks of every strike. A quote is renewed, and a contract traded,
    the more often the nearer it is to the money.
    """
    random = np.random.default_rng(7)
    strike: Floats = SPOT + STEP * (np.arange(RUNGS, dtype=np.float64) - RUNGS // 2)
    held: dict[str, Floats] = {
        name: np.zeros((2, RUNGS)) for name in ("last", "bid", "ask", "bid_qty", "ask_qty", "volume", "oi")
    }
    stamps: dict[str, Ints] = {name: np.zeros((2, RUNGS), np.int64) for name in ("last_ts", "quote_ts", "oi_ts")}
    spot, second = SPOT, 0
    while True:
        now_ms = began_ms + second * 1000
        spot += random.normal(0, 3)
        fair = np.maximum(_ticks(_fair(spot, strike, (expires_ms - now_ms) / 86_400_000 / 365)), TICK)
        away = np.abs(strike - spot) / STEP
        first = second == 0
        quoted = first | (random.random((2, RUNGS)) < np.exp(-away / QUOTED))
        traded = first | (random.random((2, RUNGS)) < np.exp(-away / TRADED))
        _set(held, quoted, bid=np.maximum(_ticks(fair - TICK), TICK), ask=_ticks(fair + TICK))
        _set(held, quoted, **{name: _lots(random, 1, 40) for name in ("bid_qty", "ask_qty")})
        _set(held, traded, last=fair, volume=held["volume"] + _lots(random, 1, 40))
        for name, chosen in (("quote_ts", quoted), ("last_ts", traded)):
            stamps[name] = np.where(chosen, now_ms - random.integers(0, 1000, (2, RUNGS)), stamps[name])
        if second % OI_SECONDS == 0:
            held["oi"] = _lots(random, 1_000, 100_000)
            stamps["oi_ts"] = np.full((2, RUNGS), now_ms)
        quotes = Quotes(
            strike=strike, listed=np.ones((2, RUNGS), bool), tick_size=np.full((2, RUNGS), TICK),
            **held, **stamps,  # type: ignore[arg-type]  # each of the two has fields of one type
            future=np.nan, spot=round(spot, 2), spot_ts=now_ms,
        )  # fmt: skip
        yield chain_view(Subject("NIFTY", expiry), quotes, Terms(now_ms, expires_ms, RATE))
        second += 1


def _fair(spot: float, strike: Floats, years: float) -> Floats:
    """Return fair prices (2, k)."""
    sigma = 0.13 + 0.5 * np.log(strike / spot) ** 2 / np.sqrt(years)
    forward = np.full(len(strike), spot * np.exp(RATE * years))
    sides = [price(forward, strike, np.full(len(strike), years), sigma, np.full(len(strike), call), rate=RATE)
             for call in (True, False)]  # fmt: skip
    return np.stack(sides)


def _ticks(prices: Floats) -> Floats:
    """Return prices as feeds send them: whole ticks, the nearest float to a number of two decimals."""
    return np.round(np.round(prices / TICK) * TICK, 2)


def _lots(random: np.random.Generator, least: int, below: int) -> Floats:
    """Return units of whole lots (2, k)."""
    return LOT * random.integers(least, below, (2, RUNGS)).astype(np.float64)


def _set(held: dict[str, Floats], chosen: Mask, **values: Floats) -> None:
    for name, value in values.items():
        held[name] = np.where(chosen, value, held[name])
