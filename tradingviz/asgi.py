"""The ASGI application: HTTP by Django, sockets by Channels."""

from typing import Any

import django
from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase

from tradingviz.core.database import limit_statements
from tradingviz.settings.env import choose_settings


class OneThreadHandler(ASGIHandler):
    """Django's handler, with all of a request in one thread.

    Every view here is synchronous. Django would run the middleware around them on the event loop, and go to the thread
    and back for each.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of a synchronous server."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the request's thread."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


choose_settings()
django.setup(set_prefix=False)
limit_statements()
http = OneThreadHandler()

from accounts.gate.middleware import Gate  # noqa: E402 - needs the apps that django.setup loads
from streaming.origin import BrowserOrigins  # noqa: E402 - needs the apps that django.setup loads
from streaming.routing import websocket_urlpatterns  # noqa: E402 - as above

sockets = BrowserOrigins(URLRouter(websocket_urlpatterns))
router: Any = ProtocolTypeRouter({"http": http, "websocket": sockets})
application = Gate(router)
