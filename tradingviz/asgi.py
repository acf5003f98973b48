"""The ASGI application: HTTP by Django, sockets by Channels."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

from tradingviz.settings.env import choose_settings

choose_settings()
http = get_asgi_application()

from streaming.origin import BrowserOrigins  # noqa: E402 - needs the apps that get_asgi_application loads
from streaming.routing import websocket_urlpatterns  # noqa: E402 - as above

application = ProtocolTypeRouter({"http": http, "websocket": BrowserOrigins(URLRouter(websocket_urlpatterns))})
