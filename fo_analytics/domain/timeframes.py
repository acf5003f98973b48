"""Timeframes: how long a bar's bucket is. Buckets are anchored at the session's open; the last may be short."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS, Session, to_ms

MINUTE = "1m"
ROLLUP_MINUTES: Mapping[str, int] = MappingProxyType({"5m": 5, "15m": 15, "30m": 30, "1h": 60, "1d": 24 * 60})
"""Minutes of wall time in a bucket, shortest first; each is a multiple of the one before. A day holds any session."""

ROLLUP_SOURCES: Mapping[str, str] = MappingProxyType(dict(zip(ROLLUP_MINUTES, (MINUTE, *ROLLUP_MINUTES), strict=False)))
"""The next shorter timeframe of each: what it is rolled up from."""

MINUTES: Mapping[str, int] = MappingProxyType({MINUTE: 1, **ROLLUP_MINUTES})
"""Minutes in a bucket of every timeframe, shortest first."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {"1min": "1m", "5min": "5m", "1hour": "1h", "1day": "1d"}
    | {"1": "1m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "1D": "1d"}
)
"""Other names: the earlier system's, and TradingView's resolutions."""


def timeframe_named(name: str) -> str:
    """Return the timeframe of a name or alias. Raises ValueError for anything else; case matters, as in 1m and 1M."""
    timeframe = ALIASES.get(name, name)
    if timeframe not in MINUTES:
        raise ValueError(f"unknown timeframe {name!r}: {', '.join((*MINUTES, *ALIASES))}")
    return timeframe


def bucket_open(instant: datetime, *, opens_at: datetime, minutes: int) -> datetime:
    """Return the open of the bucket of `minutes` that holds an instant; the first bucket's before the session."""
    width = timedelta(minutes=minutes)
    return opens_at + max(0, (instant - opens_at) // width) * width


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a session: when it opens and when it closes, ms UTC."""

    opens_ms: int
    closes_ms: int


def last_closed(session: Session, at_ms: int, *, minutes: int) -> Bucket | None:
    """Return the last bucket of `minutes` with trading in it that had closed by an instant (ms UTC); None: none had."""
    width, trading = minutes * MINUTE_MS, session.bucket_opens_ms
    opens = np.unique(trading - (trading - trading[0]) % width)
    closes = np.minimum(opens + width, to_ms(session.closes_at))
    closed = int(np.searchsorted(closes, at_ms, side="right"))
    return Bucket(int(opens[closed - 1]), int(closes[closed - 1])) if closed else None
