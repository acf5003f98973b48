"""The simulator's NIFTY as snapshots, for tests that need prices of any kind."""

import numpy as np

from fo_analytics.replay.recording import ContractKey, RecordedTick
from tradingviz.quickstart.simulator.listing import CALL, KINDS, SPOT
from tradingviz.quickstart.simulator.market import Market

MARKET = Market(seed=1)
STRIKES = 200.0


def simulated_nifty(ts: int) -> tuple[int, list[RecordedTick]]:
    """Return the spot and nine strikes of three expiries at an instant (ms UTC)."""
    day = MARKET.day_at(ts)
    found = day.listing
    near = (found.kind >= CALL) & (found.rank < 3) & (np.abs(found.strike - 26_000) <= STRIKES)
    rows = np.flatnonzero((found.underlying == 0) & (near | (found.kind == SPOT)))
    quotes = MARKET.quotes(day, rows, np.full(len(rows), ts))
    names = ("last", "volume", "oi", "bid", "bid_qty", "ask", "ask_qty")
    numbers = np.array([getattr(quotes, name) for name in names]).T.tolist()
    ticks = []
    for row, values in zip(rows.tolist(), numbers, strict=True):
        expiry = found.expiry[row]
        strike = None if expiry is None else float(found.strike[row])
        key = ContractKey("NIFTY", KINDS[found.kind[row]], expiry, strike)
        said = {name: None if np.isnan(value) else value for name, value in zip(names, values, strict=True)}
        ticks.append(RecordedTick(key, ts, **said))
    return ts, ticks
