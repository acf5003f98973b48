"""Driving passes by hand."""

from strategies.models import Strategy, StrategyCandle
from strategies.services.recalculation import recalculate
from strategies.services.remaking import remake_outdated
from tradingviz.core.redis import sync_client

Rows = list[tuple[object, ...]]
COLUMNS = ("strategy", "time", "open", "high", "low", "close", "seconds", "partial", "from_bars")


def recalculate_all() -> int:
    """Run passes until nothing is due; return the candles that changed."""
    client, written = sync_client(), 0
    while (done := recalculate(client)).minutes:
        written += done.candles
    return written


def remake_all() -> int:
    """Make everything outdated again; return how many sessions of strategies it was."""
    client, remade = sync_client(), 0
    while done := remake_outdated(client, limit=100):
        remade += done
    return remade


def stored(strategy: Strategy | None = None) -> Rows:
    """Return the candles, of a strategy or of all, in order."""
    found = StrategyCandle.objects.all() if strategy is None else strategy.candles.all()
    return list(found.order_by("strategy", "time").values_list(*COLUMNS))
