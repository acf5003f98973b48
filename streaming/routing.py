"""Paths of the sockets, wired by tradingviz.asgi."""

from typing import Any

from django.urls import path

from streaming.consumers import FOStreamConsumer

# Django's path() is made for views; Channels' URLRouter takes ASGI applications in their place.
_stream: Any = FOStreamConsumer.as_asgi()

websocket_urlpatterns = [path("ws/fo/stream", _stream)]
