"""A market of the size of a broker's feed: several indices, each with its spot and three expiries of options."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.pricing import price
from streaming.ticker.codec import Side, TickRow, TwoSides

UNDERLYINGS = ("NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY")
SPOT, STEP = 25_000.0, 50.0
OI = 65.0 * 1_000
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Market:
    """Columns of n contracts: token, fair price and price at `spot` + 1 (rupees)."""

    token: npt.NDArray[np.int64]
    fair: npt.NDArray[np.float64]
    slope: npt.NDArray[np.float64]

    def second(
        self, ts: int, seconds: int, random: np.random.Generator, *, depth: bool = False
    ) -> Iterator[list[TickRow]]:
        """Return one tick of every contract, `seconds` into the day, as batches."""
        last = np.round(np.maximum(self.fair + self.slope * random.normal(0, 3), 0.05) / 0.05) * 0.05
        volume = float(65 * (seconds + 1))
        for at in range(0, len(self.token), BATCH):
            part = slice(at, at + BATCH)
            yield [
                (
                    token,
                    ts,
                    price,
                    volume,
                    OI,
                    round(price - 0.05, 2),
                    650.0,
                    round(price + 0.05, 2),
                    650.0,
                    book(price) if depth else None,
                )
                for token, price in zip(self.token[part].tolist(), last[part].tolist(), strict=True)
            ]


def book(price: float) -> TwoSides:
    """Return five levels a side around a price."""

    def side(sign: int) -> Side:
        return [(max(round(price + sign * 0.05 * rung, 2), 0.0), 65.0 * rung * 10, 3.0 * rung) for rung in range(1, 6)]

    return side(-1), side(1)


def listed(day: date, contracts: int, underlyings: Sequence[str] = UNDERLYINGS) -> Market:
    """Put a market of about `contracts` contracts into the master; return it."""
    from fo_analytics.replay.recording import ContractKey
    from fo_analytics.services.instruments import ensure_instruments

    expiries = [day + timedelta(days=days) for days in (3, 10, 24)]
    rungs = contracts // (len(underlyings) * len(expiries) * 2)
    strikes = SPOT + STEP * (np.arange(rungs) - rungs // 2)
    keys = [ContractKey(symbol, "SPOT") for symbol in underlyings]
    keys += [
        ContractKey(symbol, kind, expiry, float(strike))
        for symbol in underlyings
        for expiry in expiries
        for strike in strikes
        for kind in ("CE", "PE")
    ]
    tokens = ensure_instruments(keys=keys, seen_on=day)
    fair, bumped = (_fair(keys, day, spot) for spot in (SPOT, SPOT + 1))
    return Market(np.array([tokens[key] for key in keys]), fair, bumped - fair)


def _fair(keys: list, day: date, spot: float) -> npt.NDArray[np.float64]:  # type: ignore[type-arg]
    strike = np.array([key.strike or spot for key in keys])
    years = np.array([((key.expiry or day) - day).days + 1 for key in keys]) / 365
    sigma = 0.13 + 0.5 * np.log(strike / spot) ** 2 / np.sqrt(years)
    value = price(
        spot * np.exp(0.065 * years), strike, years, sigma, np.array([key.kind == "CE" for key in keys]), rate=0.065
    )
    return np.where([key.kind == "SPOT" for key in keys], spot, value)
