"""Candles come along when migrations of strategies go down and up again."""

from datetime import timedelta

import pytest

from strategies.models import StrategyCandle
from tests.migrations.catalogue import contents, has_extension, hypertables
from tests.migrations.test_up_down_up import OPEN, migrate

CANDLE = ("strategy_candle", "time", "timestamp with time zone", timedelta(days=7))


pytestmark = pytest.mark.usefixtures("newest")


def test_candles_are_kept_through_down_and_up() -> None:
    for day in range(0, 30, 10):
        values = {"close": day, "seconds": 1, "partial": False, "from_bars": True}
        StrategyCandle.objects.create(strategy_id=7, time=OPEN + timedelta(days=day), **values)
    stored = contents("strategy_candle")
    assert len(stored) == 3
    migrate("strategies", "0001")
    assert contents("strategy_candle") == stored
    assert CANDLE not in hypertables()
    migrate()
    assert contents("strategy_candle") == stored
    assert (CANDLE in hypertables()) == has_extension()
