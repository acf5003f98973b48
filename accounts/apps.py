"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Connects what follows from a change of a user or a key."""

    name = "accounts"

    def ready(self) -> None:
        """Connect the signals."""
        from accounts import signals

        signals.connect()
