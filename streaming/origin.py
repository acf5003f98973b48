"""Which pages may open a socket: browsers say where a page comes from, other clients say nothing."""

from typing import Any

from channels.security.websocket import OriginValidator
from django.conf import settings


class BrowserOrigins(OriginValidator):
    """Refuses (HTTP 403) a page of another host than ALLOWED_HOSTS or of another origin than CORS_ALLOWED_ORIGINS.

    A client without an Origin is no page.
    """

    def __init__(self, application: Any) -> None:
        super().__init__(application, [*settings.ALLOWED_HOSTS, *settings.CORS_ALLOWED_ORIGINS])

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Return whether the origin may come in."""
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))
