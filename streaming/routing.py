"""Paths of the sockets, wired by tradingviz.asgi behind those of other apps."""

from typing import Any

from django.urls import path, re_path

from streaming.consumers import FOStreamConsumer

# Django's path() is made for views; Channels' URLRouter takes ASGI applications in their place.
_stream: Any = FOStreamConsumer.as_asgi()


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake (HTTP 403) where there is no socket; without this the router raises."""
    await receive()
    await send({"type": "websocket.close"})


_nobody: Any = _nowhere
websocket_urlpatterns = [path("ws/fo/stream", _stream), re_path("", _nobody)]
