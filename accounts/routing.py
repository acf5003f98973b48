"""Paths of sockets that open with a subscription, wired by tradingviz.asgi."""

from typing import Any

from django.urls import path

from accounts.channels import ORDERS
from streaming.consumers import FOStreamConsumer


def _orders(place: dict[str, Any]) -> dict[str, Any]:
    return {"channel": ORDERS, "account": place["account"]}


_socket: Any = FOStreamConsumer.as_asgi(opening=_orders)
websocket_urlpatterns = [path("ws/orders/<int:account>", _socket)]
