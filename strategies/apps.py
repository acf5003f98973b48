"""The strategies app."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Tells what its legs hold."""

    name = "strategies"

    def ready(self) -> None:
        """Wire this app into what ingest keeps."""
        from fo_analytics import held
        from strategies.selectors.held import held_instruments

        held.register(held_instruments)
