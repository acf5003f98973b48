"""The market of market.py over two sessions: open interest and prices move, each contract in its own way.

The first is a Sunday with a session. Oddities of the near expiry: NEW was not seen on the Sunday, GREW had no open
interest then, EMPTY never has any, and the 25,500 put was never seen.
"""

from collections.abc import Iterable
from dataclasses import replace

from fo_analytics.replay.recording import RecordedTick
from tests.api.market import (
    LOT,
    NEAR,
    Contract,
    Snapshot,
    fair_price,
    feed,
    ist,
    list_contracts,
    open_interest,
    snapshot,
)

SUNDAY = ist("2026-02-01 15:28:30"), ist("2026-02-01 15:29:15")
SUNDAY_CLOSE = ist("2026-02-01 15:30:00")
MONDAY = ist("2026-02-02 10:00:30"), ist("2026-02-02 10:05:30"), ist("2026-02-02 10:16:15")
CLOSED = "2026-02-02T10:17:00"
SPOTS = dict(zip((*SUNDAY, *MONDAY), (24_900.0, 24_950.0, 24_980.0, 24_960.0, 25_000.0), strict=True))
NEW: Contract = (NEAR, "PE", 25_300.0)
GREW: Contract = (NEAR, "CE", 25_400.0)
EMPTY: Contract = (NEAR, "PE", 24_600.0)


def oi_at(contract: Contract, ts: int) -> float | None:
    """Return a contract's open interest as fed at an instant, units; None where it was not seen."""
    rung, is_put = round((contract[2] - 24_500.0) / 100), contract[1] == "PE"
    if contract == NEW and ts in SUNDAY:
        return None
    if contract == EMPTY or (contract == GREW and ts in SUNDAY):
        return 0.0
    lots = (rung * 5 % 9) - 4 if is_put else (rung * 3 % 7) - 3
    return open_interest(contract) + LOT * lots * (0, 0, 1, 2, 3)[list(SPOTS).index(ts)]


def last_at(contract: Contract, ts: int) -> float:
    """Return a contract's last price as fed at an instant, rupees."""
    return max(fair_price(contract, ts, SPOTS[ts]), 0.05)


def open_two_days() -> None:
    """List the contracts and feed both sessions."""
    list_contracts()
    feed(two_days())


def two_days() -> Iterable[Snapshot]:
    """Yield what is fed."""
    for ts, spot in SPOTS.items():
        ticks = [_with_oi(tick, ts) for tick in snapshot(ts, spot=spot)[1]]
        yield ts, [tick for tick in ticks if tick is not None]


def _with_oi(tick: RecordedTick, ts: int) -> RecordedTick | None:
    key = tick.key
    if key.expiry is None or key.strike is None:
        return tick
    contract = (key.expiry, key.kind, key.strike)
    oi = oi_at(contract, ts)
    volume = (tick.volume or 0) if ts in MONDAY else 1_000.0
    return None if oi is None else replace(tick, last=last_at(contract, ts), oi=oi, volume=volume)
