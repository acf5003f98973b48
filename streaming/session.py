"""What one client asks for: carries requests out and answers them. Knows no server; a consumer feeds it."""

import asyncio
import logging

from streaming import topics
from streaming.authentication import Principal
from streaming.domain.rate import RateWindow
from streaming.hub import Hub
from streaming.outbox import Outbox, Send
from streaming.protocol import (
    MAX_BAD_FRAMES,
    MAX_MESSAGES_PER_SECOND,
    MAX_SUBSCRIPTIONS,
    Ack,
    BadFrame,
    Close,
    Error,
    Ping,
    ProtocolError,
    RequestId,
    Subscribe,
    Unsubscribe,
    parse,
)
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.errors import InvalidRequest, NotAvailable

logger = logging.getLogger(__name__)


class Session:
    """An accepted socket, from its first frame to `end`. Must be made inside the event loop."""

    def __init__(self, principal: Principal, send: Send, hub: Hub, *, clock: Clock = now_ms) -> None:
        loop = asyncio.get_running_loop()
        self._principal = principal
        self._hub = hub
        self._clock = clock
        self._outbox = Outbox(send)
        self._rate = RateWindow(MAX_MESSAGES_PER_SECOND)
        self._bad_frames = 0
        self._sender = loop.create_task(self._outbox.run())
        seconds_left = principal.expires_at - clock() / 1000
        self._expiry = loop.call_later(max(0.0, seconds_left), self._outbox.close, Close.UNAUTHENTICATED)
        hub.join(self._outbox)

    def end(self) -> None:
        """Forget the client: nothing is sent any more."""
        self._hub.leave(self._outbox)
        self._expiry.cancel()
        self._sender.cancel()

    async def receive(self, text: str | None) -> None:
        """Carry out one message; None stands for a binary one."""
        if self._outbox.closing:
            return
        if not self._rate.allow(asyncio.get_running_loop().time()):
            self._outbox.close(Close.TOO_MANY)
            return
        try:
            request, params = parse(text)
        except BadFrame as bad:
            self._count_bad(bad)
            return
        try:
            await self._carry_out(request, params)
        except ProtocolError as error:
            self._refuse(request.id, error)
        except Exception:
            logger.exception("a request failed", extra={"op": type(request).__name__})
            self._refuse(request.id, ProtocolError("internal", "the request failed on our side"))

    def _count_bad(self, bad: BadFrame) -> None:
        self._refuse(bad.request_id, bad)
        self._bad_frames += 1
        if self._bad_frames >= MAX_BAD_FRAMES:
            self._outbox.close(Close.BAD_FRAMES)

    def _refuse(self, request_id: RequestId, error: ProtocolError) -> None:
        self._outbox.answer(Error(id=request_id, code=error.code, message=error.message))

    async def _carry_out(self, request: Subscribe | Unsubscribe | Ping, params: dict[str, object]) -> None:
        if isinstance(request, Subscribe):
            ack = await self._subscribe(request, params)
        elif isinstance(request, Unsubscribe):
            ack = self._unsubscribe(request)
        else:
            ack = Ack(id=request.id, op="ping", ts_sent=self._clock())
        self._outbox.answer(ack)

    async def _subscribe(self, request: Subscribe, params: dict[str, object]) -> Ack:
        """Answers are sent before frames: the ack goes out ahead of the snapshot."""
        if request.format != "json":
            raise ProtocolError("unsupported_format", "format must be json")
        try:
            subscription = await topics.resolve(request.channel, params, self._principal)
        except InvalidRequest as error:
            valid = f"; valid: {', '.join(error.valid)}" if error.valid else ""
            raise ProtocolError("invalid_request", f"{error.detail}{valid}") from error
        except NotAvailable as error:
            raise ProtocolError("not_available", str(error)) from error
        topic = subscription.topic
        if topic not in self._outbox.slots and len(self._outbox.slots) >= MAX_SUBSCRIPTIONS:
            raise ProtocolError("too_many_subscriptions", f"a socket may have {MAX_SUBSCRIPTIONS} subscriptions")
        self._hub.subscribe(self._outbox, request.channel, subscription)
        echo = dict(subscription.echo)
        return Ack(
            id=request.id,
            op="subscribe",
            ts_sent=self._clock(),
            channel=request.channel,
            topic=topic,
            echo=echo,
        )

    def _unsubscribe(self, request: Unsubscribe) -> Ack:
        if request.topic not in self._outbox.slots:
            raise ProtocolError("not_subscribed", f"there is no subscription to {request.topic!r}")
        self._hub.unsubscribe(self._outbox, request.topic)
        return Ack(id=request.id, op="unsubscribe", ts_sent=self._clock(), topic=request.topic)
