"""What follows from a change of a strategy, whoever makes it."""

from typing import Any

from django.db.models.signals import post_delete

from strategies.models import Strategy, StrategyCandle


def connect() -> None:
    """Connect all of them."""
    post_delete.connect(drop_candles, sender=Strategy)


def drop_candles(instance: Strategy, **rest: Any) -> None:
    """Drop the candles of a strategy that is deleted, also with its account: no foreign key does."""
    StrategyCandle.objects.filter(strategy_id=instance.pk).delete()
