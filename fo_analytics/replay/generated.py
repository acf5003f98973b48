"""A small generated market: one index, three expiries, a smile, quotes around the model's price.

Deterministic by seed and start. It is a picture of a market for trying things out, not a model of one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.domain.pricing import price
from fo_analytics.replay.recording import ContractKey, RecordedTick

TUESDAY = 1
TICK = 0.05
YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True, slots=True)
class MarketShape:
    """What is generated. Prices rupees, volatility a fraction a year, `rungs` strikes each side of the money."""

    underlying: str = "NIFTY"
    spot: float = 25_000.0
    volatility: float = 0.13
    rate: float = 0.065
    step: float = 50.0
    rungs: int = 20
    lot: int = 65


def expiries_after(day: date) -> list[date]:
    """Return the next two Tuesdays after `day`, and the last Tuesday of the month after the second one's."""
    first = day + timedelta(days=(TUESDAY - day.weekday() - 1) % 7 + 1)
    second = first + timedelta(days=7)
    month_after_next = (second.replace(day=1) + timedelta(days=64)).replace(day=1)
    last = month_after_next - timedelta(days=1)
    return [first, second, last - timedelta(days=(last.weekday() - TUESDAY) % 7)]


class GeneratedMarket:
    """Makes one snapshot after another; `snapshot(ts)` must be called with growing stamps (ms UTC)."""

    def __init__(self, shape: MarketShape, *, start_ms: int, seed: int) -> None:
        self.shape = shape
        self._random = np.random.default_rng(seed)
        self._spot = shape.spot
        self._ts = start_ms
        self._expiries = expiries_after(ist_date(from_ms(start_ms)))
        centre = round(shape.spot / shape.step) * shape.step
        self._strikes = centre + shape.step * np.arange(-shape.rungs, shape.rungs + 1)
        size = (len(self._expiries), 2, len(self._strikes))
        self._volume = np.zeros(size)
        self._oi = shape.lot * self._random.integers(200, 20_000, size).astype(float)

    def snapshot(self, ts: int) -> tuple[int, list[RecordedTick]]:
        """Return the whole market at `ts`."""
        self._walk(ts)
        ticks = [RecordedTick(ContractKey(self.shape.underlying, "SPOT"), ts, last=round(self._spot, 2))]
        for index, expiry in enumerate(self._expiries):
            ticks += self._chain(index, expiry, ts)
        return ts, ticks

    def _walk(self, ts: int) -> None:
        years = max(ts - self._ts, 1) / YEAR_MS
        pull = 0.5 * math.log(self.shape.spot / self._spot) * min(1.0, (ts - self._ts) / 3_600_000)
        shock = self.shape.volatility * math.sqrt(years) * self._random.standard_normal()
        self._spot *= math.exp(pull + shock)
        self._ts = ts
        traded = self._random.poisson(0.6, self._volume.shape)
        self._volume += self.shape.lot * traded
        self._oi = np.maximum(
            self.shape.lot, self._oi + self.shape.lot * np.sign(self._random.normal(size=traded.shape))
        )

    def _chain(self, index: int, expiry: date, ts: int) -> Iterator[RecordedTick]:
        # 10:00 UTC is the exchange's usual expiry instant; the model needs no more than nearly the right time.
        years = max((np.datetime64(expiry, "ms").astype(int) + 36_000_000 - ts) / YEAR_MS, 1e-6)
        forward = self._spot * math.exp(self.shape.rate * years)
        wing = np.log(self._strikes / forward) / (self.shape.volatility * math.sqrt(years))
        sigma = self.shape.volatility * np.clip(1 - 0.04 * wing + 0.02 * wing**2, 0.7, 2.0)
        is_call = np.array([[True], [False]])
        fair = price(forward, self._strikes, years, sigma, is_call, rate=self.shape.rate)
        spread = TICK * np.ceil(np.maximum(1.0, fair * 0.002 / TICK))
        bid = np.floor(fair / TICK) * TICK
        ask = bid + spread
        last = np.where(self._random.random(fair.shape) < 0.5, bid, ask)
        quantity = self.shape.lot * self._random.integers(1, 40, (2, *fair.shape))
        for side, kind in enumerate(("CE", "PE")):
            for at, strike in enumerate(self._strikes.tolist()):
                yield RecordedTick(
                    ContractKey(self.shape.underlying, kind, expiry, strike),
                    ts,
                    last=round(float(max(last[side, at], TICK)), 2),
                    volume=float(self._volume[index, side, at]),
                    oi=float(self._oi[index, side, at]),
                    bid=round(float(bid[side, at]), 2),
                    bid_qty=float(quantity[0, side, at]),
                    ask=round(float(ask[side, at]), 2),
                    ask_qty=float(quantity[1, side, at]),
                )
