"""The composition as an app: so that its checks are registered."""

from django.apps import AppConfig


class TradingvizConfig(AppConfig):
    """Registers the system checks."""

    name = "tradingviz"

    def ready(self) -> None:
        """Importing registers."""
        from tradingviz import checks  # noqa: F401 - for its effect
