"""Periodic work of this app; each task may run twice, late, or beside another without harm."""

import time
from datetime import timedelta

from celery import shared_task

from fo_analytics.domain.calendar import from_ms
from strategies.pass_record import note_pass
from strategies.services import corporate_actions, settlement
from strategies.services.live import show_live
from strategies.services.recalculation import MINUTES_A_PASS, Pass, recalculate
from strategies.services.remaking import remake_outdated
from strategies.services.submissions import drop_old_submissions
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import shared_client

# As long as minutes are due one pass follows another; then others have their turn.
BUDGET_SECONDS = 20.0
REMADE_AT_ONCE = 50
SUBMISSIONS_KEPT = timedelta(days=1)


@shared_task(name="strategies.recalculate_m2m", soft_time_limit=60)
def recalculate_m2m() -> int:
    """Mark active strategies to market: candles of the minutes that are due, frames, alerts; return candles changed."""
    client, ends = shared_client(), time.monotonic() + BUDGET_SECONDS
    written, last = 0, Pass(minutes=MINUTES_A_PASS)
    while last.minutes == MINUTES_A_PASS and time.monotonic() < ends:
        began = time.monotonic()
        last = recalculate(client)
        written += last.candles
        if last.minutes:
            note_pass(client, last, seconds=time.monotonic() - began, now_ms=now_ms())
    if not last.elsewhere:
        show_live(client, now_ms=now_ms())
    return written


@shared_task(name="strategies.remake_outdated", soft_time_limit=60)
def remake_outdated_candles() -> int:
    """Make candles again of which the legs say something else by now; return the sessions of strategies remade."""
    client, ends, remade = shared_client(), time.monotonic() + BUDGET_SECONDS, 0
    while time.monotonic() < ends and (done := remake_outdated(client, limit=REMADE_AT_ONCE)):
        remade += done
    return remade


@shared_task(name="strategies.settle_expired")
def settle_expired() -> int:
    """Settle legs whose contracts are over; return how many changed. Runs side by side change each leg once."""
    return settlement.settle_expired(now_ms=now_ms())


@shared_task(name="strategies.freeze_changed")
def freeze_changed() -> int:
    """Freeze legs whose contracts are other ones now; return how many."""
    return corporate_actions.freeze_changed(now_ms=now_ms())


@shared_task(name="strategies.drop_old_submissions")
def drop_submissions() -> int:
    """Forget the keys that clients gave changes more than a day ago; return how many."""
    return drop_old_submissions(before=from_ms(now_ms()) - SUBMISSIONS_KEPT)
