"""Migrations of strategies go down and up again, and candles come along."""

from datetime import timedelta

import pytest
from django.apps import apps

from strategies.models import StrategyCandle
from tests.migrations.catalogue import catalogue, contents, has_extension, hypertables, table_names
from tests.migrations.test_up_down_up import OPEN, migrate

CANDLE = ("strategy_candle", "time", "timestamp with time zone", timedelta(days=7))


@pytest.fixture(autouse=True)
def newest(scratch: None) -> None:
    """Begin with everything applied."""
    migrate()


@pytest.mark.parametrize("target", ["0002", "0001", "zero"])
def test_down_and_up_again_leave_the_same_catalogue(target: str) -> None:
    before = catalogue()
    migrate("strategies", target)
    assert catalogue() != before
    migrate()
    assert catalogue() == before


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


def test_zero_leaves_none_of_the_tables() -> None:
    ours = {model._meta.db_table for model in apps.get_app_config("strategies").get_models()}
    assert ours <= table_names()
    migrate("strategies", "zero")
    assert ours & table_names() == set()
