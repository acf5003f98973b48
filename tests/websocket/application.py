"""The socket with a channel of numbers, and guests named in the token: what a server of these tests runs.

`?token=guest` comes in for an hour, `?token=brief` for one to two seconds, anybody else does not.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingviz.settings.test")
django.setup()

from channels.routing import URLRouter  # noqa: E402 - needs the settings
from django.urls import path  # noqa: E402

from streaming import authentication, topics  # noqa: E402
from streaming.consumers import FOStreamConsumer  # noqa: E402
from streaming.protocol import ProtocolError  # noqa: E402
from tradingviz.core.errors import InvalidRequest  # noqa: E402

CHANNEL = "numbers-of-the-tests"
SECONDS = {"guest": 3600, "brief": 2}


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody these tests let in."""

    user_id: int
    username: str
    expires_at: int


async def authenticate(scope: dict[str, Any]) -> Guest | None:
    """Let in whom SECONDS names."""
    token = parse_qs(scope["query_string"].decode()).get("token", [""])[0]
    seconds = SECONDS.get(token)
    return Guest(1, token, int(time.time()) + seconds) if seconds else None


async def subscribe_numbers(params: Mapping[str, Any], principal: authentication.Principal) -> topics.Subscription:
    """Offer any topic by its name, with a view of some of its keys; misbehave where asked to."""
    name = params.get("name")
    if name == "forbidden":
        raise ProtocolError("forbidden", f"not for {principal.username}")
    if name == "broken":
        raise RuntimeError("a bug of the handler")
    if not isinstance(name, str):
        raise InvalidRequest("name a topic", field="name", valid=["any text"])
    keys = params.get("keys")
    if keys is None:
        return topics.Subscription(f"numbers:{name}", echo={"name": name})
    return topics.Subscription(
        f"numbers:{name}",
        view_key=",".join(keys),
        project=lambda document: {key: document[key] for key in keys if key in document},
        echo={"name": name, "keys": keys},
    )


topics.register(CHANNEL, subscribe_numbers)
_stream: Any = FOStreamConsumer.as_asgi(authenticate=authenticate)
application: Any = URLRouter([path("ws/fo/stream", _stream)])
