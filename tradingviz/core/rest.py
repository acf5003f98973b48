"""How views put bytes on the wire."""

from typing import Any

from rest_framework.renderers import BaseRenderer

from tradingviz.core import json


class WireRenderer(BaseRenderer):
    """JSON by our one encoder: NaN leaves as null, numpy numbers as numbers, no spaces."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """Return the encoded body, as it is where it is encoded already; no body for None."""
        if isinstance(data, bytes):
            return data
        return b"" if data is None else json.encode(data)
