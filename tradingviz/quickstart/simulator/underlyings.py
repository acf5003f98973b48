"""What the made-up market consists of: 4 indices and 20 stocks, with the terms that their contracts have."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypedDict

TUESDAY, THURSDAY = 1, 3
WEEKS = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """An underlying. `spot` rupees, where its motion is at home; `volatility` a fraction a year.

    `dividend` is a continuous yield a year; there are `rungs` strikes on each side, `step` rupees apart.

    `market` and `banks` are the shares of its motion that it has in common with all and with the banks (-1 to 1);
    `skew` and `curvature` are rho and eta of its smile; `liquidity` in (0, 1]; `months` how many monthly expiries.
    """

    symbol: str
    spot: float
    step: float
    lot: int
    volatility: float
    liquidity: float
    market: float = 0.6
    banks: float = 0.0
    cash: str = ""
    exchange: str = "NSE"
    is_index: bool = False
    weekday: int = TUESDAY
    weekly: bool = False
    months: int = 2
    rungs: int = 20
    dividend: float = 0.012
    skew: float = -0.25
    curvature: float = 0.7

    @property
    def cash_name(self) -> str:
        """Return the symbol that the cash market has for it."""
        return self.cash or self.symbol


class _Index(TypedDict):
    is_index: bool
    months: int
    rungs: int
    skew: float
    curvature: float


_INDEX: _Index = {"is_index": True, "months": 3, "rungs": 60, "skew": -0.4, "curvature": 0.85}

SHAPES = (
    Shape("NIFTY", 26_000, 50, 65, 0.125, 1.0, 0.97, 0.15, cash="NIFTY 50", weekly=True, **_INDEX),
    Shape("BANKNIFTY", 59_000, 100, 30, 0.14, 0.8, 0.8, 0.55, cash="NIFTY BANK", **_INDEX),
    Shape("FINNIFTY", 27_500, 50, 60, 0.145, 0.3, 0.8, 0.52, cash="NIFTY FIN SERVICE", **_INDEX),
    Shape("SENSEX", 85_000, 100, 20, 0.122, 0.8, 0.96, 0.18, exchange="BSE", weekday=THURSDAY, weekly=True, **_INDEX),
    Shape("RELIANCE", 1_500, 10, 500, 0.22, 0.30, 0.65),
    Shape("HDFCBANK", 1_000, 10, 550, 0.19, 0.30, 0.55, 0.6),
    Shape("ICICIBANK", 1_380, 10, 700, 0.20, 0.28, 0.55, 0.6),
    Shape("SBIN", 960, 10, 750, 0.23, 0.28, 0.5, 0.6),
    Shape("AXISBANK", 1_240, 10, 625, 0.24, 0.22, 0.5, 0.6),
    Shape("KOTAKBANK", 2_100, 20, 400, 0.21, 0.20, 0.5, 0.55),
    Shape("BAJFINANCE", 1_020, 10, 750, 0.28, 0.22, 0.55, 0.4),
    Shape("INFY", 1_540, 20, 400, 0.24, 0.28),
    Shape("TCS", 3_120, 40, 175, 0.22, 0.25),
    Shape("WIPRO", 244, 2.5, 3_000, 0.25, 0.16),
    Shape("LT", 4_000, 50, 175, 0.22, 0.20, 0.7),
    Shape("ITC", 408, 5, 1_600, 0.17, 0.22),
    Shape("HINDUNILVR", 2_420, 20, 300, 0.18, 0.16, 0.5),
    Shape("BHARTIARTL", 2_140, 20, 475, 0.20, 0.20),
    Shape("MARUTI", 16_000, 200, 50, 0.23, 0.18),
    Shape("SUNPHARMA", 1_760, 20, 350, 0.21, 0.14, 0.4),
    Shape("TATASTEEL", 170, 2.5, 5_500, 0.28, 0.24),
    Shape("NTPC", 326, 2.5, 1_500, 0.21, 0.15),
    Shape("TITAN", 3_880, 40, 175, 0.22, 0.16),
    Shape("ULTRACEMCO", 11_700, 100, 50, 0.22, 0.12),
)


def expiries(shape: Shape, day: date) -> list[date]:
    """Return the expiries that are listed on a day, ascending; the day itself is one where it is an expiry."""
    listed = {date_ for date_ in _last_weekdays(shape, day) if date_ >= day}
    monthly = sorted(listed)[: shape.months]
    first = day + timedelta(days=(shape.weekday - day.weekday()) % 7)
    weekly = [first + timedelta(days=7 * week) for week in range(WEEKS)] if shape.weekly else []
    return sorted({*monthly, *weekly})


def _last_weekdays(shape: Shape, day: date) -> list[date]:
    """Return the last such weekday of this month and of those after it."""
    found = []
    month = day.replace(day=1)
    for _ in range(shape.months + 1):
        following = (month + timedelta(days=32)).replace(day=1)
        last = following - timedelta(days=1)
        found.append(last - timedelta(days=(last.weekday() - shape.weekday) % 7))
        month = following
    return found
