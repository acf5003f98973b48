"""Strategies, legs and alerts in the admin."""

from strategies.admin.strategies import AlertAdmin, LegAdmin, StrategyAdmin

__all__ = ["AlertAdmin", "LegAdmin", "StrategyAdmin"]
