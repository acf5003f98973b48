"""Which expiry's parity decides over the spot."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.layout import Contract, Layout, arrange
from fo_analytics.domain.minute_close import spot_is_trusted

NEAR, NEXT, FAR = date(2026, 8, 4), date(2026, 8, 11), date(2026, 8, 18)
EXPIRES = {day: to_ms(datetime(day.year, day.month, day.day, 10, tzinfo=UTC)) for day in (NEAR, NEXT, FAR)}
STRIKES = (24_900.0, 25_000.0, 25_100.0)
SPOT = 25_000.0
HOUR = 3_600_000


def market(forwards: Mapping[date, float], as_of_ms: int) -> tuple[Layout, Minute]:
    """Return a market in which the pairs of some expiries are worth C - P = F - K, at a rate of 0."""
    kinds = [(day, strike, kind) for day in EXPIRES for strike in STRIKES for kind in ("CE", "PE")]
    contracts = [Contract(1, 1, "SPOT", 0.05)]
    contracts += [Contract(n, n, kind, 0.05, day, strike) for n, (day, strike, kind) in enumerate(kinds, 2)]
    state = bars.empty(len(contracts))
    state["close"][0], state["last_ts"][:] = SPOT, as_of_ms
    for slot, (day, strike, kind) in enumerate(kinds, 1):
        worth = forwards.get(day, math.nan) - strike
        state["close"][slot] = 500 + (worth if kind == "CE" else 0)
    return arrange(contracts, EXPIRES, NEAR), state


@pytest.mark.parametrize(
    ("forwards", "trusted"),
    [
        ({NEAR: SPOT, NEXT: SPOT * 1.05, FAR: SPOT * 1.05}, True),
        ({NEAR: SPOT * 1.05, NEXT: SPOT, FAR: SPOT}, False),
        ({NEXT: SPOT * 1.05, FAR: SPOT}, False),
        ({NEXT: SPOT, FAR: SPOT * 1.05}, True),
        ({FAR: SPOT * 1.05}, False),
        ({}, True),
    ],
)
def test_the_first_expiry_that_has_pairs_decides(forwards: Mapping[date, float], trusted: bool) -> None:
    as_of_ms = EXPIRES[NEAR] - HOUR
    assert spot_is_trusted(*market(forwards, as_of_ms), as_of_ms=as_of_ms, rate=0.0) is trusted


@pytest.mark.parametrize(("after_ms", "trusted"), [(-1, False), (0, True), (60_000, True)])
def test_an_expiry_that_has_expired_decides_nothing(after_ms: int, trusted: bool) -> None:
    as_of_ms = EXPIRES[NEAR] + after_ms
    layout, state = market({NEAR: SPOT * 1.05, NEXT: SPOT}, as_of_ms)
    assert spot_is_trusted(layout, state, as_of_ms=as_of_ms, rate=0.0) is trusted
