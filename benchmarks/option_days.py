"""Days of an index's options as ingest would have stored them: ten expiries alive, strikes every 50, a minute a bar.

Written minute by minute, as a market's rows come, by binary COPY straight into the tables: every contract ticks in
every minute, and no column is null, so the rows are as wide and as many as they can be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.calendar import MINUTE_MS, YEAR_MS, Session
from fo_analytics.domain.open_interest import max_pain
from fo_analytics.domain.pricing import greeks
from fo_analytics.ingest.copy import CopyTable, Kind

SYMBOL, SPOT, STEP, LOT, RATE = "NIFTY", 25_000.0, 50.0, 65, 0.065
WEEKLIES, MONTHLIES = 6, 4
EXPIRIES = WEEKLIES + MONTHLIES
TUESDAY = 1
BLOCK = 75  # minutes that are written in one transaction
YEAR_OF_TRADING = 252 * 375

Floats = npt.NDArray[np.float64]
Columns = dict[str, npt.NDArray[Any]]

PRICES = ("open", "high", "low", "close")
VALUES = ("bid", "ask", "forward", "iv", "delta", "gamma", "theta", "vega", "rho")
COUNTS = ("volume", "oi", "cumulative_volume", "bid_qty", "ask_qty", "first_volume", "last_volume", "quote_volume")
_KEY = (("instrument_id", Kind.INTEGER), ("time", Kind.STAMP), ("iv_reason", Kind.SMALL), ("flags", Kind.SMALL))
SPOT_BAR = CopyTable(
    "bar",
    (*_KEY, *((name, Kind.STAMP) for name in ("first_at", "last_at")), *((name, Kind.NUMBER) for name in PRICES)),
)
OPTION_BAR = CopyTable(
    "bar",
    (
        *SPOT_BAR.columns,
        *((name, Kind.STAMP) for name in ("oi_at", "quote_at")),
        *((name, Kind.NUMBER) for name in VALUES),
        *((name, Kind.INTEGER) for name in COUNTS),
    ),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Some minutes of a session: options (minutes · contracts rows), the spot, and a dict per expiry and minute."""

    options: Columns
    spot: Columns
    metrics: list[dict[str, Any]]


class OptionDays:
    """One session after another, in order of time; deterministic by seed."""

    def __init__(self, *, contracts: int, seed: int = 1) -> None:
        self.rungs = max(contracts // (2 * EXPIRIES), 1)
        self._random = np.random.default_rng(seed)
        self._spot = SPOT
        self._strikes: dict[date, Floats] = {}

    def blocks(self, session: Session) -> Iterator[Block]:
        """Return a session's rows; what is listed for the first time that day is put into the master."""
        alive = expiries_alive(session.date)
        self._list(alive, session.date)
        owner, spot_id, ids = master(alive)
        opens = session.bucket_opens_ms
        shocks = 0.13 / np.sqrt(YEAR_OF_TRADING) * self._random.standard_normal(len(opens))
        spot = self._spot * np.exp(np.cumsum(shocks))
        day = _Day(owner, alive, [self._strikes[expiry] for expiry in alive], ids, self._random)
        for at in range(0, len(opens), BLOCK):
            part = slice(at, at + BLOCK)
            yield day.block(opens[part], spot[part], _spot_rows(spot_id, opens[part], spot[part]))
        self._spot = float(spot[-1])

    def _list(self, alive: list[date], day: date) -> None:
        from fo_analytics.replay.recording import ContractKey
        from fo_analytics.services.instruments import ensure_instruments

        keys = [ContractKey(SYMBOL, "SPOT")]
        for expiry in alive:
            if expiry not in self._strikes:
                centre = round(self._spot / STEP) * STEP
                self._strikes[expiry] = centre + STEP * (np.arange(self.rungs) - self.rungs // 2)
                strikes = self._strikes[expiry].tolist()
                keys += [ContractKey(SYMBOL, kind, expiry, strike) for strike in strikes for kind in ("CE", "PE")]
        ensure_instruments(keys=keys, seen_on=day)


class _Day:
    """The contracts of a day, m = expiries · 2 · strikes of them: expiry by expiry, calls before puts."""

    def __init__(
        self, owner: int, alive: list[date], strikes: list[Floats], ids: npt.NDArray[np.int64], random: Any
    ) -> None:
        self.owner, self.alive, self.strikes, self.ids, self.random = owner, alive, strikes, ids, random
        self.strike = np.concatenate([np.tile(ladder, 2) for ladder in strikes])
        self.is_call = np.concatenate([np.repeat([True, False], len(ladder)) for ladder in strikes])
        self.size = [2 * len(ladder) for ladder in strikes]
        # 10:00 UTC is when contracts stopped in the time that is generated.
        self.expires = np.repeat([int(np.datetime64(day, "ms").astype(int)) + 36_000_000 for day in alive], self.size)
        self.volume = np.zeros(len(ids), np.int64)
        self.oi = LOT * random.integers(100, 50_000, len(ids))
        self.close: Floats | None = None

    def block(self, opens: npt.NDArray[np.int64], spot: Floats, spot_rows: Columns) -> Block:
        """Return the rows of some minutes (k,) with the index at `spot` (k,) at their closes."""
        times = np.repeat(opens[:, None], len(self.ids), axis=1)
        options = {"instrument_id": np.broadcast_to(self.ids, times.shape), "time": times}
        options |= self._worth(opens, spot) | self._traded(times)
        options |= self._prices(options.pop("price"))
        order = np.argsort(self.ids)  # as ingest has them
        metrics = [row for minute in range(len(opens)) for row in self._metrics(options, minute, spot)]
        return Block({name: column[:, order].ravel() for name, column in options.items()}, spot_rows, metrics)

    def _worth(self, opens: npt.NDArray[np.int64], spot: Floats) -> Columns:
        years = np.maximum(self.expires - opens[:, None] - MINUTE_MS, 1000) / YEAR_MS
        forward = spot[:, None] * np.exp(RATE * years)
        level = 0.13 * np.exp(0.02 * self.random.standard_normal((len(opens), 1)))
        wing = np.clip(np.log(self.strike / forward) / (level * np.sqrt(years)), -8, 8)
        sigma = level * np.clip(1 - 0.04 * wing + 0.02 * wing**2, 0.7, 3.0)
        worth = greeks(forward, self.strike, years, sigma, self.is_call, rate=RATE)
        named = {name: getattr(worth, name) for name in ("price", "delta", "gamma", "theta", "vega", "rho")}
        return {"forward": forward, "iv": sigma, **named}

    def _prices(self, fair: Floats) -> Columns:
        close = np.maximum(np.round(fair / 0.05), 1) * 0.05
        first = close[:1] if self.close is None else self.close
        opened = np.concatenate([first, close[:-1]])
        self.close = close[-1:]
        swing = 0.05 * self.random.integers(0, 10, close.shape)
        return {
            "open": opened,
            "high": np.maximum(opened, close) + swing,
            "low": np.maximum(np.minimum(opened, close) - swing, 0.05),
            "close": close,
            "bid": np.maximum(close - 0.05, 0.05),
            "ask": close + 0.05,
        }

    def _traded(self, times: npt.NDArray[np.int64]) -> Columns:
        shape = times.shape
        volume = LOT * self.random.poisson(20, shape)
        cumulative = self.volume + np.cumsum(volume, axis=0)
        oi = np.maximum(self.oi + LOT * np.cumsum(self.random.integers(-5, 6, shape), axis=0), LOT)
        self.volume, self.oi = cumulative[-1], oi[-1]
        quantity = {name: LOT * self.random.integers(1, 40, shape) for name in ("bid_qty", "ask_qty")}
        stamps = {"first_at": 1_000, "last_at": 58_000, "oi_at": 20_000, "quote_at": 59_000}
        return {
            "volume": volume, "cumulative_volume": cumulative, "oi": oi, **quantity,
            "first_volume": cumulative - volume, "last_volume": cumulative, "quote_volume": cumulative,
            **{name: times + later for name, later in stamps.items()},
            **{name: np.zeros(shape, np.int64) for name in ("iv_reason", "flags")},
        }  # fmt: skip

    def _metrics(self, options: Columns, minute: int, spot: Floats) -> Iterator[dict[str, Any]]:
        from fo_analytics.domain.calendar import from_ms

        first = 0
        for expiry, strike in zip(self.alive, self.strikes, strict=True):
            n, part = len(strike), slice(first, first + 2 * len(strike))
            first += 2 * n
            row = {name: column[minute, part] for name, column in options.items()}
            forward = float(row["forward"][0])
            at = int(np.argmin(np.abs(strike - forward)))
            call_oi, put_oi = row["oi"][:n], row["oi"][n:]
            volume = row["cumulative_volume"]
            yield {
                "underlying_id": self.owner, "expiry": expiry, "time": from_ms(int(row["time"][0])),
                "spot": float(spot[minute]), "forward": forward, "forward_source": "parity",
                "atm_strike": float(strike[at]), "atm_iv": float(row["iv"][at]),
                "straddle": float(row["close"][at] + row["close"][n + at]),
                "call_oi": int(call_oi.sum()), "put_oi": int(put_oi.sum()),
                "call_volume": int(volume[:n].sum()), "put_volume": int(volume[n:].sum()),
                "pcr_oi": float(put_oi.sum() / call_oi.sum()), "pcr_volume": float(volume[n:].sum() / volume[:n].sum()),
                "max_pain": max_pain(strike, call_oi, put_oi, forward=forward),
            }  # fmt: skip


def expiries_alive(day: date) -> list[date]:
    """Return the next six Tuesdays from `day` on, and the last Tuesdays of the four months after them."""
    first = day + timedelta(days=(TUESDAY - day.weekday()) % 7)
    weeks = [first + timedelta(weeks=n) for n in range(WEEKLIES)]
    following = (weeks[-1] + timedelta(weeks=n) for n in range(1, 5 * (MONTHLIES + 1)))
    months = [tuesday for tuesday in following if (tuesday + timedelta(weeks=1)).month != tuesday.month]
    return weeks + months[:MONTHLIES]


def master(alive: list[date]) -> tuple[int, int, npt.NDArray[np.int64]]:
    """Return the keys of the underlying and of its spot, and of the expiries' contracts in the order of `_Day`."""
    from fo_analytics.models import Instrument

    own = Instrument.objects.filter(underlying__symbol=SYMBOL)
    spot = own.get(kind="SPOT")
    found = own.filter(expiry__in=alive).order_by("expiry", "kind", "strike").values_list("pk", flat=True)
    return spot.underlying_id, spot.pk, np.array(found, np.int64)


def _spot_rows(spot_id: int, opens: npt.NDArray[np.int64], spot: Floats) -> Columns:
    zeros = np.zeros(len(opens), np.int64)
    stamps = {"time": opens, "first_at": opens + 1_000, "last_at": opens + 59_000}
    return {
        "instrument_id": np.full(len(opens), spot_id),
        **stamps,
        "iv_reason": zeros,
        "flags": zeros,
        **dict.fromkeys(PRICES, np.round(spot, 2)),
    }
