"""Periodic work of this app; it may run twice without harm."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import SecurityEvent
from accounts.services import snapshots


@shared_task(name="accounts.take_snapshots")
def take_snapshots() -> int:
    """Write today's snapshot of every active account, where there is a session; return how many."""
    return snapshots.take_snapshots()


@shared_task(name="accounts.drop_old")
def drop_old() -> int:
    """Drop tokens that have expired, and events older than RETENTION_SECURITY_EVENT_DAYS; return how many events."""
    call_command("flushexpiredtokens")
    days = settings.RETENTION_SECURITY_EVENT_DAYS
    if not days:
        return 0
    dropped, _ = SecurityEvent.objects.filter(at__lt=timezone.now() - timedelta(days=days)).delete()
    return dropped
