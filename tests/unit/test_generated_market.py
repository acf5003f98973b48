"""The generated market: deterministic, without arbitrage, a picture that ingest can live on."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from fo_analytics.domain.calendar import to_ms
from fo_analytics.replay.generated import GeneratedMarket, MarketShape, expiries_after
from fo_analytics.replay.recording import RecordedTick

START = to_ms(datetime(2026, 11, 22, 6, 0, tzinfo=UTC))  # a Sunday


def market(seed: int = 1) -> GeneratedMarket:
    """Return a market."""
    return GeneratedMarket(MarketShape(), start_ms=START, seed=seed)


def run(seed: int = 1, seconds: int = 20) -> list[tuple[int, list[RecordedTick]]]:
    """Return snapshots a second apart."""
    made = market(seed)
    return [made.snapshot(START + 1000 * second) for second in range(1, seconds + 1)]


def test_the_same_seed_makes_the_same_market() -> None:
    assert run(seed=7) == run(seed=7)
    assert run(seed=7) != run(seed=8)


@pytest.mark.parametrize("offset", range(0, 400, 11))
def test_expiries_are_tuesdays_to_come(offset: int) -> None:
    day = date(2026, 1, 1) + timedelta(days=offset)
    first, second, far = expiries_after(day)
    assert day < first <= day + timedelta(days=7)
    assert first < second < far
    assert {expiry.weekday() for expiry in (first, second, far)} == {1}
    assert (far + timedelta(days=7)).month != far.month


def test_prices_and_quotes_are_possible() -> None:
    for _, ticks in run():
        for tick in ticks:
            assert tick.last is not None
            assert tick.last > 0
            if tick.key.kind != "SPOT":
                assert tick.bid is not None
                assert tick.ask is not None
                assert 0 <= tick.bid < tick.ask


def test_the_volume_of_the_day_never_falls() -> None:
    snapshots = run()
    for (_, before), (_, after) in pairwise(snapshots):
        old, new = ({t.key: t.volume for t in ticks if t.volume is not None} for ticks in (before, after))
        assert all(new[key] >= old[key] for key in old)


def test_calls_fall_and_puts_rise_with_the_strike() -> None:
    _, ticks = run()[-1]
    expiry = min(tick.key.expiry for tick in ticks if tick.key.expiry)
    for kind, sign in (("CE", -1), ("PE", 1)):
        asks = [tick.ask for tick in ticks if tick.key.kind == kind and tick.key.expiry == expiry]
        assert (sign * np.diff(np.array(asks, float)) >= -0.3).all()
