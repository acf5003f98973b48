"""The ASGI application: HTTP by Django, sockets by Channels."""

import threading
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter

from tradingviz.settings.env import choose_settings

choose_settings()
django.setup(set_prefix=False)

from accounts.gate.middleware import Gate  # noqa: E402 - needs the apps that django.setup loads
from accounts.routing import websocket_urlpatterns as account_sockets  # noqa: E402 - as above
from fo_analytics.domain.kernels import load_kernels  # noqa: E402 - as above
from strategies.routing import websocket_urlpatterns as strategy_sockets  # noqa: E402 - as above
from streaming.origin import BrowserOrigins  # noqa: E402 - needs the apps that django.setup loads
from streaming.routing import websocket_urlpatterns as stream_sockets  # noqa: E402 - as above
from tradingviz.core.daphne_bodies import bound_bodies  # noqa: E402 - as above
from tradingviz.core.database import limit_statements  # noqa: E402 - as above: its gauges need the settings' folder
from tradingviz.core.handlers import OneThreadHandler  # noqa: E402 - as above

limit_statements()
bound_bodies()
# Aside, so that the first who asks for a payoff does not wait for it, and nobody for the start.
threading.Thread(target=load_kernels, daemon=True).start()
# The last one refuses what there is not.
websocket_urlpatterns = [*account_sockets, *strategy_sockets, *stream_sockets]
sockets = BrowserOrigins(URLRouter(websocket_urlpatterns))
router: Any = ProtocolTypeRouter({"http": OneThreadHandler(), "websocket": sockets})
application = Gate(router)
