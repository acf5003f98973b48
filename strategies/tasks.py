"""Periodic work of this app; each task may run twice, late, or beside another without harm."""

import logging
import time

from celery import shared_task

from strategies.services.live import show_live
from strategies.services.recalculation import MINUTES_A_PASS, Pass, recalculate
from strategies.services.remaking import remake_outdated
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import shared_client

logger = logging.getLogger(__name__)

# As long as minutes are due one pass follows another; then others have their turn.
BUDGET_SECONDS = 20.0
REMADE_AT_ONCE = 50


@shared_task(name="strategies.recalculate_m2m", soft_time_limit=60)
def recalculate_m2m() -> int:
    """Mark active strategies to market: candles of the minutes that are due, frames, alerts; return candles changed."""
    client, ends = shared_client(), time.monotonic() + BUDGET_SECONDS
    written, last = 0, Pass(minutes=MINUTES_A_PASS)
    while last.minutes == MINUTES_A_PASS and time.monotonic() < ends:
        last = recalculate(client)
        written += last.candles
    if not last.elsewhere:
        show_live(client, now_ms=now_ms())
    return written


@shared_task(name="strategies.remake_outdated", soft_time_limit=60)
def remake_outdated_candles() -> int:
    """Make candles again of which the legs say something else by now; return how many changed."""
    return remake_outdated(shared_client(), limit=REMADE_AT_ONCE)
