"""Periodic work of this app; each task may run twice without harm."""

from datetime import timedelta

from celery import shared_task

from fo_analytics.domain.calendar import from_ms
from strategies.services import corporate_actions, settlement
from strategies.services.submissions import drop_old_submissions
from tradingviz.core.clock import now_ms

SUBMISSIONS_KEPT = timedelta(days=1)


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
