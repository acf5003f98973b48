"""The strategies app."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Tells what its legs hold, and registers the channel of what strategies are worth."""

    name = "strategies"

    def ready(self) -> None:
        """Wire this app into what ingest keeps, and into streaming."""
        from accounts.principal import STRATEGIES
        from fo_analytics import held
        from strategies import signals
        from strategies.channels import CHANNELS
        from strategies.selectors.held import held_instruments
        from streaming import topics

        signals.connect()
        held.register(held_instruments)
        for channel, handler in CHANNELS.items():
            topics.register(channel, handler, scope=STRATEGIES)
