"""Users, their API keys, and what happened to their access.

User is a model of our own from the first migration on: swapping it later is not possible.
"""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone


def tiers() -> list[tuple[str, str]]:
    """Return the tiers of the settings; as a function, so that a change of them is no migration."""
    return [(name, name) for name in settings.RATE_LIMIT_TIERS]


class User(AbstractUser):
    """A person, or a service, that may sign in."""

    tier = models.CharField(
        max_length=20, choices=tiers, default="standard", help_text="How many requests a minute are allowed."
    )

    @property
    def has_new_password(self) -> bool:
        """Return whether saving will replace the stored password; a new user has none to replace."""
        return vars(self).get("_password") is not None and not self._state.adding

    @property
    def will_be_deactivated(self) -> bool:
        """Return whether saving will shut out a stored user who may come in now. Asks the database."""
        if self.is_active or self._state.adding:
            return False
        return User.objects.filter(pk=self.pk, is_active=True).exists()


class ApiKey(models.Model):
    """A key of a program. Its secret is shown once and kept as a digest; the prefix names it in lists and logs."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)  # SHA-256 of the whole text, in hexadecimal
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        """Newest first."""

        verbose_name = "API key"
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["user", "-created_at"], name="api_key_of_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class SecurityEvent(models.Model):
    """Something that happened to somebody's access. Never holds a password, token or key."""

    class Kind(models.TextChoices):
        """What happened."""

        SIGNED_IN = "signed_in"
        SIGN_IN_FAILED = "sign_in_failed"
        REFRESH_REPLAYED = "refresh_replayed"
        LOGGED_OUT = "logged_out"
        PASSWORD_CHANGED = "password_changed"
        USER_DEACTIVATED = "user_deactivated"
        KEY_CREATED = "key_created"
        KEY_REVOKED = "key_revoked"
        GUESSING_STOPPED = "guessing_stopped"
        ADMIN_SIGNED_IN = "admin_signed_in"
        ADMIN_SIGN_IN_FAILED = "admin_sign_in_failed"

    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    username = models.CharField(max_length=150, blank=True)  # as it was given: of nobody's, maybe
    address = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        """Newest first, and so found by kind, user and address."""

        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="security_event_at"),
            models.Index(fields=["kind", "-at"], name="security_event_kind"),
            models.Index(fields=["user", "-at"], name="security_event_user"),
            models.Index(fields=["address", "-at"], name="security_event_address"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.username}".strip()
