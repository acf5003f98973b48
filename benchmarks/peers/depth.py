"""A contract's depth in short as the peer answers it: of the past only best quotes are known."""

from typing import Any

import numpy as np

from fo_analytics.domain.chain import Quotes

FIELDS = (
    "source", "ts", "age_ms", "state", "spread", "spread_percent", "microprice", "imbalance", "bid_quantity",
    "ask_quantity",
)  # fmt: skip


def depths(quotes: Quotes, side: int, shown: slice, at_ms: int) -> list[dict[str, Any] | None]:
    """Return one side's best quotes as books, None where never quoted; orjson writes NaN as null."""
    bid, ask, bid_qty, ask_qty = (getattr(quotes, name)[side, shown] for name in ("bid", "ask", "bid_qty", "ask_qty"))
    stamps = quotes.quote_ts[side, shown].tolist()
    two_sided = ask >= bid
    spread, mid = np.where(two_sided, ask - bid, np.nan), (ask + bid) / 2
    microprice = np.where(two_sided, (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty), np.nan)
    states = np.select(
        [two_sided, bid > ask, bid == bid, ask == ask], ["two_sided", "crossed", "bid_only", "ask_only"], "empty"
    )
    columns = states.tolist(), spread.tolist(), (100.0 * spread / mid).tolist(), microprice.tolist()
    return [
        dict(zip(FIELDS, ("quote", stamp, max(0, at_ms - stamp), *row, None, None, None), strict=True))
        if stamp
        else None
        for stamp, *row in zip(stamps, *columns, strict=True)
    ]
