"""Periodic work of this app; it may run twice without harm."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import SecurityEvent


@shared_task(name="accounts.drop_old")
def drop_old() -> int:
    """Drop tokens that have expired, and events older than RETENTION_SECURITY_EVENT_DAYS; return how many events."""
    call_command("flushexpiredtokens")
    days = settings.RETENTION_SECURITY_EVENT_DAYS
    if not days:
        return 0
    dropped, _ = SecurityEvent.objects.filter(at__lt=timezone.now() - timedelta(days=days)).delete()
    return dropped
