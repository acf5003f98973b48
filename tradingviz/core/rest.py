"""How views put bytes on the wire, and take them off it."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

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


class WireParser(JSONParser):
    """JSON; what is nested deeper than Python can follow is the caller's error."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what a body says. Raises ParseError."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("the JSON is nested too deeply") from error


class FirstFormNegotiation(DefaultContentNegotiation):
    """DRF's negotiation, told at once where it comes to the first renderer: that is what nearly every request asks for.

    DRF takes both sides' media types apart with every request.
    """

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return a renderer and the media type it is chosen for. Raises NotAcceptable, Http404."""
        first = renderers[0]
        accepted = request.META.get("HTTP_ACCEPT", "*/*")
        asked_otherwise = format_suffix or self.settings.URL_FORMAT_OVERRIDE in request.query_params
        if accepted in ("*/*", first.media_type) and not asked_otherwise:
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)
