"""Paths of sockets that open with a subscription, wired by tradingviz.asgi."""

from typing import Any

from django.urls import path

from strategies.channels import M2M
from streaming.consumers import FOStreamConsumer


def _m2m(place: dict[str, Any]) -> dict[str, Any]:
    return {"channel": M2M, "strategy": place["strategy"]}


_socket: Any = FOStreamConsumer.as_asgi(opening=_m2m)
websocket_urlpatterns = [path("ws/strategies/<int:strategy>/m2m", _socket)]
