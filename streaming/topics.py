"""The registry of channels: what a client may subscribe to, and which topic and view of it that means."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streaming.authentication import Principal
from streaming.domain.sequencing import Document
from streaming.protocol import ProtocolError, Withdrawn

Projection = Callable[[Document], Document]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a subscribe request came to.

    `topic` names it to the client; the publisher writes to `source`, or to the topic itself. `market` names whose
    silence makes it stale (streaming.freshness), None where nothing does. `project` picks what the client sees of the
    document (None: all of it); it must be a pure function and may share parts with its argument. Subscriptions of equal
    `view_key` share one projection, so the key must name everything `project` depends on. `convention` overrides the
    publisher's on the frames. `announced`: its publisher makes it only where it is told that somebody watches
    (streaming.watched). From `rolls_at` (ms UTC) on the same request may mean another topic. `echo` tells the client in
    the ack what was understood, such as the expiry a label stands for.
    """

    topic: str
    source: str | None = None
    market: str | None = None
    view_key: str = ""
    project: Projection | None = None
    convention: str | None = None
    announced: bool = False
    rolls_at: int | None = None
    echo: Mapping[str, Any] = field(default_factory=dict)


Handler = Callable[[Mapping[str, Any], Principal], Awaitable[Subscription]]

_handlers: dict[str, tuple[Handler, str]] = {}


def register(channel: str, handler: Handler, *, scope: str) -> None:
    """Offer `channel` to credentials that are good for `scope`.

    `handler(params, principal)` raises ProtocolError for what cannot be had. Raises ValueError where another handler
    has the channel already.
    """
    if _handlers.setdefault(channel, (handler, scope)) != (handler, scope):
        raise ValueError(f"channel {channel!r} is already registered")


async def resolve(channel: str, params: Mapping[str, Any], principal: Principal) -> Subscription:
    """Return what a subscribe request means.

    Raises ProtocolError for a channel nobody registered, Withdrawn for one that the credentials do not cover.
    """
    if channel not in _handlers:
        known = ", ".join(sorted(_handlers)) or "none"
        raise ProtocolError("unknown_channel", f"no channel {channel!r}; there are: {known}")
    handler, _ = _handlers[channel]
    demand(channel, principal)
    return await handler(params, principal)


def demand(channel: str, principal: Principal) -> None:
    """Raise Withdrawn where somebody's credentials do not cover a channel."""
    _, scope = _handlers[channel]
    if scope not in principal.scopes:
        raise Withdrawn("forbidden", f"these credentials were not given the scope {scope!r}")
