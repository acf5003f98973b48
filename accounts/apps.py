"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users and what they may."""

    name = "accounts"

    def ready(self) -> None:
        """Connect signals."""
        from accounts import signals  # noqa: F401 - connects them
