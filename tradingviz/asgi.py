"""The ASGI application: HTTP by Django, sockets by Channels."""

import django
from channels.routing import ProtocolTypeRouter, URLRouter

from tradingviz.settings.env import choose_settings

choose_settings()
django.setup(set_prefix=False)

from streaming.origin import BrowserOrigins  # noqa: E402 - needs the apps that django.setup loads
from streaming.routing import websocket_urlpatterns  # noqa: E402 - as above
from tradingviz.core.handlers import OneThreadHandler  # noqa: E402 - as above

application = ProtocolTypeRouter(
    {"http": OneThreadHandler(), "websocket": BrowserOrigins(URLRouter(websocket_urlpatterns))}
)
