"""Periodic work of this app; each task may run twice without harm."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.models import Bar
from fo_analytics.services import backfill, retention, rollups, subscriptions
from fo_analytics.services.coverage import refresh_coverage
from streaming.ticker.client import TickerUnavailable
from tradingviz.core.clock import now_ms

logger = logging.getLogger(__name__)


@shared_task(name="fo_analytics.refresh_coverage")
def refresh_recent_coverage() -> int:
    """Count the coverage of the newest stored day and the week before it; return the rows written.

    The newest *stored* day, not today: replayed days are looked at too.
    """
    newest = Bar.objects.order_by("-time").values_list("time", flat=True).first()
    if newest is None:
        return 0
    day = ist_date(from_ms(int(newest.timestamp() * 1000)))
    return refresh_coverage(first=day - timedelta(days=7), last=day)


@shared_task(name="fo_analytics.roll_up_due")
def roll_up_due() -> int:
    """Roll up what ingest marked; return the rows that changed. Runs side by side share the work."""
    return rollups.roll_up_due()


@shared_task(name="fo_analytics.drop_expired_rows")
def drop_expired_rows() -> int:
    """Drop what the settings RETENTION_* keep no longer; return the rows that went."""
    return sum(expired.rows for expired in retention.drop_expired_rows())


@shared_task(name="fo_analytics.repair_holes")
def repair_holes() -> int:
    """Ask the ticker service for what the feed missed lately; return the ticks sent. Runs side by side share the work.

    Without an answer there is one line in the log, and the next run asks again. Where there is no such service, holes
    stay.
    """
    if settings.TICKER_SERVICE_URL is None:
        return 0
    return backfill.repair_holes(now_ms=now_ms(), client=backfill.ticker_client())


@shared_task(name="fo_analytics.reconcile_subscriptions")
def reconcile_subscriptions() -> int:
    """Have the ticker service send what the settings TICKER_SUBSCRIBE* want; return how many subscriptions changed.

    Without an answer there is one line in the log, and the next run asks again.
    """
    if settings.TICKER_SERVICE_URL is None:
        return 0
    try:
        done = subscriptions.reconcile_subscriptions(client=backfill.ticker_client(), now_ms=now_ms())
    except TickerUnavailable as error:
        logger.warning("subscriptions wait: %s", error)
        return 0
    return done.added + done.removed
