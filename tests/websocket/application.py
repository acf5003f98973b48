"""The socket with a channel of numbers, and guests named in the token: what a server of these tests runs.

`?token=guest` comes in for an hour, `?token=bare` without the scope of numbers, `?token=brief` for one to two seconds,
`?token=` has yet to say who it is, where `?token=nobody-can-say` leads is in its name; anybody else does not come in.
"""

import os
import time
from collections.abc import Collection, Mapping
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
OTHER_CHANNEL = "numbers-for-everybody"
SECONDS = {"guest": 3600, "brief": 2, "other": 3600, "crowded": 3600, "bare": 3600}


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody these tests let in."""

    user_id: int
    username: str
    expires_at: int
    scopes: frozenset[str] = frozenset({"numbers"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the door found out about a guest."""

    principal: Guest | None = None
    trouble: authentication.Refused | authentication.Unavailable | None = None


class Doorkeeper:
    """Knows the guests, and sends `expelled` away."""

    def __init__(self) -> None:
        self.expelled: set[str] = set()

    async def identify(self, text: str) -> Guest:
        """Let in whom SECONDS names; `other` is another user than the rest, `bare` lacks the scope of numbers."""
        if text == "nobody-can-say":
            raise authentication.Unavailable("nobody can say")
        if text not in SECONDS:
            raise authentication.Refused("not on the list")
        scopes = frozenset({"letters"} if text == "bare" else {"numbers", "letters"})
        return Guest(2 if text == "other" else 1, text, int(time.time()) + SECONDS[text], scopes)

    async def review(self, principals: Collection[Guest]) -> frozenset[Guest]:
        """Return the expelled."""
        return frozenset(one for one in principals if one.username in self.expelled)


class Door:
    """Stands where the gate stands in the product."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Look at `?token=`."""
        token = parse_qs(scope["query_string"].decode()).get("token", [""])[0]
        try:
            arrival = Arrival(await doorkeeper.identify(token)) if token else Arrival()
        except (authentication.Refused, authentication.Unavailable) as trouble:
            arrival = Arrival(trouble=trouble)
        await self._inside(
            scope | {"identity": arrival, "crowded": token == "crowded", "gatekeeper": doorkeeper}, receive, send
        )


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


topics.register(CHANNEL, subscribe_numbers, scope="numbers")
topics.register(OTHER_CHANNEL, subscribe_numbers, scope="letters")
doorkeeper = Doorkeeper()
_stream: Any = FOStreamConsumer.as_asgi()
application: Any = Door(URLRouter([path("ws/fo/stream", _stream)]))
