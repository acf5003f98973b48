"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Connects what follows from a change of a user or a key, and offers the channel of orders."""

    name = "accounts"

    def ready(self) -> None:
        """Connect the signals, offer the channel of orders."""
        from accounts import signals
        from accounts.channels import ORDERS, subscribe_orders
        from accounts.principal import ACCOUNTS
        from streaming import topics

        signals.connect()
        topics.register(ORDERS, subscribe_orders, scope=ACCOUNTS)
