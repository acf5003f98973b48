"""A market with a skew over two sessions: open interest and prices move, each contract in its own way.

The first session is a Sunday's. Puts of HEAVY have more open interest than all others. Oddities of the near expiry:
NEW was not seen on the Sunday, GREW had no open interest then, EMPTY never has any, and the 25,500 put was never
seen. Of the far one: BLIND is never seen, and the contracts of HIDDEN have open interest but never a price. Of a
third one, CALLS, only calls are listed.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from statistics import NormalDist

from fo_analytics.domain.calendar import IST, to_ms
from fo_analytics.replay.recording import RecordedTick
from tests.api.market import (
    FAR,
    LOT,
    NEAR,
    RATE,
    YEAR_MS,
    Contract,
    Snapshot,
    feed,
    forward,
    ist,
    list_contracts,
    open_interest,
    snapshot,
)

CALLS = date(2026, 2, 17)
SUNDAY = ist("2026-02-01 15:28:30"), ist("2026-02-01 15:29:15")
SUNDAY_CLOSE = ist("2026-02-01 15:30:00")
MONDAY = ist("2026-02-02 10:00:30"), ist("2026-02-02 10:05:30"), ist("2026-02-02 10:16:59.999")
CLOSED = "2026-02-02T10:17:00"
SPOTS = dict(zip((*SUNDAY, *MONDAY), (24_900.0, 24_950.0, 24_980.0, 24_960.0, 25_010.0), strict=True))
NOW, BEFORE = MONDAY[-1], SUNDAY[-1]
NEW: Contract = (NEAR, "PE", 25_300.0)
GREW: Contract = (NEAR, "CE", 25_400.0)
EMPTY: Contract = (NEAR, "PE", 24_600.0)
BLIND: Contract = (FAR, "CE", 25_400.0)
HIDDEN = (FAR, 24_500.0)
HEAVY = 24_900.0
SPIKE = (FAR, 24_800.0)
CDF = NormalDist().cdf


def years(expiry: date, ts: int) -> float:
    """Return the years to expiry."""
    return (to_ms(datetime(expiry.year, expiry.month, expiry.day, 15, 30, tzinfo=IST)) - ts) / YEAR_MS


def sigma(expiry: date, strike: float) -> float:
    """Return the volatility of a strike: dearer puts, dearer wings, one spike, and the later the lower.

    So much lower that total variance falls from FAR to CALLS."""
    x = math.log(strike / 25_000.0)
    spike = 0.03 if (expiry, strike) == SPIKE else 0.0
    return 0.15 - 0.0055 * (expiry - NEAR).days - 0.6 * x + 8.0 * x * x + spike


def oi_at(contract: Contract, ts: int) -> float | None:
    """Return a contract's open interest as fed at an instant, units; None where it was not seen."""
    rung, is_put = round((contract[2] - 24_500.0) / 100), contract[1] == "PE"
    if contract == NEW and ts in SUNDAY:
        return None
    if contract == EMPTY or (contract == GREW and ts in SUNDAY):
        return 0.0
    heavy = 200 * LOT if is_put and contract[2] == HEAVY else 0
    lots = (rung * 5 % 9) - 4 if is_put else (rung * 3 % 7) - 3
    return open_interest(contract) + heavy + LOT * lots * (0, 0, 1, 2, 3)[list(SPOTS).index(ts)]


def last_at(contract: Contract, ts: int) -> float:
    """Return a contract's last price as fed at an instant: the closed form at its strike's volatility, rupees."""
    expiry, kind, strike = contract
    f, t = forward(expiry, ts, SPOTS[ts]), years(expiry, ts)
    deviation = sigma(expiry, strike) * math.sqrt(t)
    d1 = math.log(f / strike) / deviation + deviation / 2
    sign = 1 if kind == "CE" else -1
    return math.exp(-RATE * t) * sign * (f * CDF(sign * d1) - strike * CDF(sign * (d1 - deviation)))


def open_two_days() -> None:
    """List the contracts and feed both sessions."""
    list_contracts()
    feed(two_days())


def two_days() -> Iterable[Snapshot]:
    """Yield what is fed."""
    for ts, spot in SPOTS.items():
        ticks = [_shaped(tick, ts) for tick in snapshot(ts, spot=spot, expiries=(NEAR, FAR, CALLS))[1]]
        yield ts, [tick for tick in ticks if tick is not None]


def _shaped(tick: RecordedTick, ts: int) -> RecordedTick | None:
    key = tick.key
    if key.expiry is None or key.strike is None:
        return tick
    contract = (key.expiry, key.kind, key.strike)
    oi = oi_at(contract, ts)
    if oi is None or contract == BLIND or (key.expiry == CALLS and key.kind == "PE"):
        return None
    volume = (tick.volume or 0) if ts in MONDAY else 1_000.0
    if (key.expiry, key.strike) == HIDDEN:
        return RecordedTick(key, ts, last=None, volume=volume, oi=oi)
    price = last_at(contract, ts)
    return replace(tick, last=price, bid=price - 0.04, ask=price + 0.04, oi=oi, volume=volume)
