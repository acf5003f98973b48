"""What strategies store: legs and their fills, what they were worth minute by minute, alerts."""

from strategies.models.alerts import Alert
from strategies.models.candles import StrategyCandle
from strategies.models.strategy import Fill, Leg, LegState, Strategy, Submission

__all__ = ["Alert", "Fill", "Leg", "LegState", "Strategy", "StrategyCandle", "Submission"]
