"""What is dropped once a day: tokens that have expired, and old events."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import SecurityEvent, User
from accounts.tasks import drop_old
from accounts.tokens import RefreshToken


def events(*ages_days: float) -> None:
    """Store events of so many days ago."""
    for age in ages_days:
        at = timezone.now() - timedelta(days=age)
        SecurityEvent.objects.create(kind=SecurityEvent.Kind.SIGNED_IN, username=str(age), at=at)


def names() -> set[str]:
    """Return the names of the events that are there."""
    return set(SecurityEvent.objects.values_list("username", flat=True))


@pytest.mark.usefixtures("db")
def test_events_are_kept_for_so_many_days(settings: Settings) -> None:
    settings.RETENTION_SECURITY_EVENT_DAYS = 10
    events(0, 9.9, 10.1, 500)
    assert drop_old() == 2
    assert names() == {"0", "9.9"}
    assert drop_old() == 0


@pytest.mark.usefixtures("db")
def test_zero_days_keep_everything(settings: Settings) -> None:
    settings.RETENTION_SECURITY_EVENT_DAYS = 0
    events(5_000)
    assert drop_old() == 0
    assert names() == {"5000"}


def test_events_are_kept_for_400_days_where_nothing_else_is_said(settings: Settings) -> None:
    assert settings.RETENTION_SECURITY_EVENT_DAYS == 400


def test_expired_tokens_go_and_others_stay_on_the_blacklist(owner: User) -> None:
    for _ in range(2):
        RefreshToken.for_user(owner).blacklist()
    gone = OutstandingToken.objects.first()
    assert gone is not None
    OutstandingToken.objects.filter(pk=gone.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    drop_old()
    assert BlacklistedToken.objects.get().token.pk != gone.pk
    assert OutstandingToken.objects.count() == 1
