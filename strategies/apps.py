"""The strategies app."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Holds the place of strategies in the layers."""

    name = "strategies"
