"""Candles do not depend on when passes run."""

from pathlib import Path

import pytest

from tests.integration.strategies.days import assert_candles, enter_both, run


@pytest.mark.usefixtures("db", "redis_url")
def test_candles_are_the_same_with_a_pass_after_every_four_snapshots(shared_data: Path) -> None:
    entered = enter_both(shared_data)
    run(shared_data, every=4)
    assert_candles(shared_data, entered)
