"""Candles do not depend on when passes run."""

from pathlib import Path

import pytest

from tests.integration.strategies.days import assert_candles, enter_both, run, snapshots


@pytest.mark.usefixtures("db", "redis_url")
def test_candles_are_the_same_with_a_pass_after_every_four_snapshots(shared_data: Path) -> None:
    # Of the other index, of which nothing is held, no candle is made: the days are shorter without it.
    days = [(ts, [tick for tick in ticks if tick.key.underlying == "NIFTY"]) for ts, ticks in snapshots(shared_data)]
    entered = enter_both(shared_data, days)
    run(days, every=4)
    assert_candles(shared_data, entered)
