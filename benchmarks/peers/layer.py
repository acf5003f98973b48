"""A peer of benchmarks/fanout.py: Channels as its tutorial has it, every socket a member of a group of the layer."""

from typing import Any

import django

from tradingviz.settings.env import choose_settings

choose_settings()
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - as above

# It is stopped between its rounds, longer than a read may take.
settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]["socket_timeout"] = None

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402 - needs the settings
from channels.routing import URLRouter  # noqa: E402 - as above
from django.urls import path  # noqa: E402 - as above

GROUP = "crowd"


class Member(AsyncWebsocketConsumer):
    """Sends what the group is sent."""

    async def connect(self) -> None:
        """Join, then accept."""
        assert self.channel_layer is not None
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def crowd_frame(self, event: dict[str, Any]) -> None:
        """Send a text."""
        await self.send(text_data=event["text"])


_stream: Any = Member.as_asgi()
application = URLRouter([path("stream", _stream)])
