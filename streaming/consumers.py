"""The socket of market data: translates between the ASGI server and a session."""

from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer

from streaming import authentication, hub
from streaming.authentication import Authenticator
from streaming.outbox import Send
from streaming.protocol import Close
from streaming.session import Session


class FOStreamConsumer(AsyncWebsocketConsumer):
    """`/ws/fo/stream`: subscriptions to any channel over one socket, see streaming.protocol."""

    # No such layer: waiting on a real one would end every socket when Redis restarts.
    channel_layer_alias = "none"

    def __init__(
        self, *, authenticate: Authenticator = authentication.authenticate, through: hub.Hub | None = None
    ) -> None:
        super().__init__()
        self._authenticate = authenticate
        self._hub = through
        self._session: Session | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket; whatever ends it, the hub forgets it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._session:
                self._session.end()

    async def connect(self) -> None:
        """Accept, then close whom we do not know: browsers are told the code of an accepted socket only."""
        refusal, principal = Close.UNAUTHENTICATED, None
        try:
            principal = await self._authenticate(cast("dict[str, Any]", self.scope))
        except authentication.Unavailable:
            refusal = Close.DRAINING
        await self.accept()
        if principal is None:
            await self.close(code=int(refusal))
        else:
            # The server's own send: frames do not pass through Channels.
            send = cast("Send", self.base_send)
            self._session = Session(principal, send, self._hub or hub.current())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Hand one message to the session; a socket that was refused has none."""
        if self._session:
            await self._session.receive(text_data)
