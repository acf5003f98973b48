"""The socket of market data: translates between the ASGI server and a session."""

from collections.abc import Callable
from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer

from streaming import hub, metrics
from streaming.authentication import Identity, Unavailable
from streaming.outbox import Send
from streaming.protocol import Close
from streaming.session import Session

Opening = Callable[[dict[str, Any]], dict[str, Any]]


class FOStreamConsumer(AsyncWebsocketConsumer):
    """`/ws/fo/stream`: subscriptions to any channel over one socket, see streaming.protocol.

    A path of its own may open with a subscription: `opening` makes of the path's parameters what would stand in a
    subscribe request.
    """

    # No such layer: waiting on a real one would end every socket when Redis restarts.
    channel_layer_alias = "none"

    def __init__(self, *, through: hub.Hub | None = None, opening: Opening | None = None) -> None:
        super().__init__()
        self._opening = opening
        self._hub = through
        self._session: Session | None = None
        self._opened = False
        self._code: int | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket; whatever ends it, the hub forgets it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._session:
                self._session.end()
            if self._opened:
                metrics.closed(self._code)

    async def connect(self) -> None:
        """Accept, then close whom we refuse: browsers are told the code of an accepted socket only.

        Who presented nothing may do so in a first message.
        """
        scope = cast("dict[str, Any]", self.scope)
        identity: Identity = scope["identity"]
        through = self._hub or hub.current()
        await self.accept(scope.get("subprotocol"))
        self._opened = True
        metrics.opened()
        refusal = Close.DRAINING if through.draining else _refusal(identity, crowded=scope.get("crowded", False))
        if refusal:
            await self.close(code=int(refusal))
        else:
            # The server's own send: frames do not pass through Channels.
            send = cast("Send", self.base_send)
            wanted = self._opening(scope["url_route"]["kwargs"]) if self._opening else None
            self._session = Session(identity.principal, send, through, scope["gatekeeper"], opening=wanted)
            await self._session.open()

    async def disconnect(self, code: int) -> None:
        """Note how the socket ended, for the counts."""
        self._code = code

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hand one message to the session; a socket that was refused has none."""
        if self._session:
            await self._session.receive(text_data)


def _refusal(identity: Identity, *, crowded: bool) -> Close | None:
    if crowded:
        return Close.TOO_MANY
    if identity.trouble is None:
        return None
    return Close.DRAINING if isinstance(identity.trouble, Unavailable) else Close.UNAUTHENTICATED
