"""The streaming app. It has no models; other apps register channels and an authenticator with it."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    """Transport of ticks and frames."""

    name = "streaming"
