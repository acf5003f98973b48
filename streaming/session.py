"""What one client asks for: carries requests out and answers them. Knows no server; a consumer feeds it."""

import asyncio
import json
import logging
from typing import Any

from streaming import residents, topics
from streaming.authentication import Gatekeeper, Principal, Refused, Unavailable
from streaming.domain.rate import RateWindow
from streaming.domain.sequencing import Position
from streaming.hub import Hub
from streaming.outbox import Outbox, Send
from streaming.protocol import (
    AUTH_SECONDS,
    MAX_BAD_FRAMES,
    MAX_MESSAGES_PER_SECOND,
    MAX_SUBSCRIPTIONS,
    WARNING_SECONDS,
    Ack,
    Auth,
    BadFrame,
    BadRequest,
    Close,
    Error,
    ProtocolError,
    Request,
    RequestId,
    Resume,
    Subscribe,
    TokenExpiring,
    Unsubscribe,
    Withdrawn,
    parse,
)
from streaming.rolls import Plan, Rolls
from streaming.views import Manner
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.errors import InvalidRequest, NotAvailable

logger = logging.getLogger(__name__)


class Session:
    """An accepted socket, from its first frame to `end`. Must be made inside the event loop."""

    def __init__(
        self,
        principal: Principal | None,
        send: Send,
        hub: Hub,
        gatekeeper: Gatekeeper,
        *,
        clock: Clock = now_ms,
        opening: dict[str, Any] | None = None,
    ) -> None:
        """`principal` is None for somebody who has yet to say who it is; `opening` is what the socket is there for."""
        loop = asyncio.get_running_loop()
        self._principal: Principal | None = None
        self._hub = hub
        self._gatekeeper = gatekeeper
        self._residents = residents.current(gatekeeper)
        self._clock = clock
        self._outbox = Outbox(send)
        self._rate = RateWindow(MAX_MESSAGES_PER_SECOND)
        self._strikes = 0
        self._opening = opening
        self._rolls = Rolls(self._roll, clock)
        self._asked: dict[str, Subscribe] = {}  # by topic; also of a view that failed
        self._outbox.start()
        self._timers = [loop.call_later(AUTH_SECONDS, self._outbox.close, Close.UNAUTHENTICATED)]
        if principal:
            self._admit(principal)
        hub.join(self._outbox)

    def end(self) -> None:
        """Forget the client: nothing is sent any more."""
        self._hub.leave(self._outbox)
        self._rolls.clear()
        self._residents.leave(self._outbox)
        self._stop_timers()
        self._outbox.stop()

    async def open(self) -> None:
        """Subscribe to what the socket is there for, once it is known who it is; close it where that is not theirs."""
        if self._opening is None or self._principal is None:
            return
        wanted, self._opening = self._opening, None
        request, params = parse(json.dumps({"op": "subscribe", **wanted}))
        try:
            self._outbox.answer(await self._carry_out(request, params))
        except ProtocolError as error:
            self._refuse(None, error)
            self._outbox.close(Close.DRAINING if error.code == "not_available" else Close.FORBIDDEN)
        except Exception:
            logger.exception("a socket could not be opened", extra={"channel": wanted.get("channel")})
            self._outbox.close(Close.DRAINING)

    async def receive(self, text: str | None) -> None:
        """Carry out one message; None stands for a binary one."""
        if self._outbox.closing:
            return
        if not self._rate.allow(asyncio.get_running_loop().time()):
            self._outbox.close(Close.TOO_MANY)
            return
        try:
            request, params = parse(text)
        except BadRequest as bad:
            self._refuse(bad.request_id, bad)
            if isinstance(bad, BadFrame):
                self._count_strike()
            return
        try:
            self._outbox.answer(await self._carry_out(request, params))
            if isinstance(request, Auth) and self._principal:
                self._end_what_is_not_covered(self._principal)
            await self.open()
        except ProtocolError as error:
            self._refuse(request.id, error)
        except Exception:
            logger.exception("a request failed", extra={"op": type(request).__name__})
            self._refuse(request.id, ProtocolError("internal", "the request failed on our side"))

    def _admit(self, principal: Principal) -> None:
        """Let somebody in until the credentials end."""
        self._principal = principal
        self._outbox.owner = principal.user_id
        self._residents.enter(self._outbox, principal)
        self._stop_timers()
        left = principal.expires_at - self._clock() / 1000
        later = asyncio.get_running_loop().call_later
        self._timers = [
            later(max(0.0, left - WARNING_SECONDS), self._warn),
            later(max(0.0, left), self._outbox.close, Close.UNAUTHENTICATED),
        ]

    def _warn(self) -> None:
        if self._principal:
            ends = self._principal.expires_at * 1000
            self._outbox.answer(TokenExpiring(expires_at=ends, ts_sent=self._clock()))

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _count_strike(self) -> None:
        """Count a frame that is no request, or credentials that open nothing: both are guessing after the third."""
        self._strikes += 1
        if self._strikes >= MAX_BAD_FRAMES:
            self._outbox.close(Close.BAD_FRAMES)

    def _refuse(self, request_id: RequestId, error: ProtocolError) -> None:
        self._outbox.answer(Error(id=request_id, code=error.code, message=error.message))

    async def _carry_out(self, request: Request, params: dict[str, object]) -> Ack:
        if isinstance(request, Auth):
            return await self._authenticate(request)
        if self._principal is None:
            self._outbox.close(Close.UNAUTHENTICATED)
            raise ProtocolError("unauthenticated", "say who you are first: op auth")
        if isinstance(request, Subscribe):
            return await self._subscribe(request, params, self._principal)
        if isinstance(request, Unsubscribe):
            return self._unsubscribe(request)
        return Ack(id=request.id, op="ping", ts_sent=self._clock())

    async def _authenticate(self, request: Auth) -> Ack:
        """Take new credentials of the same user; the subscriptions that they cover stay."""
        try:
            principal = await self._gatekeeper.identify(request.token)
        except Unavailable as error:
            raise ProtocolError("not_available", str(error)) from error
        except Refused as error:
            if self._principal is None:
                self._outbox.close(Close.UNAUTHENTICATED)
            self._count_strike()
            raise ProtocolError("unauthenticated", str(error)) from error
        if self._principal and self._principal.user_id != principal.user_id:
            raise ProtocolError("forbidden", "this socket belongs to another user")
        self._admit(principal)
        echo = {"expires_at": principal.expires_at * 1000}
        return Ack(id=request.id, op="auth", ts_sent=self._clock(), echo=echo)

    def _end_what_is_not_covered(self, principal: Principal) -> None:
        for topic, request in list(self._asked.items()):
            try:
                topics.demand(request.channel, principal)
            except Withdrawn as gone:
                self._end(topic, request.id, gone)

    async def _subscribe(self, request: Subscribe, params: dict[str, object], principal: Principal) -> Ack:
        subscription = await _resolved(request, params, principal)
        if subscription.topic not in self._outbox.slots and len(self._outbox.slots) >= MAX_SUBSCRIPTIONS:
            raise ProtocolError("too_many_subscriptions", f"a socket may have {MAX_SUBSCRIPTIONS} subscriptions")
        return self._follow(request, params, subscription)

    def _follow(self, request: Subscribe, params: dict[str, object], subscription: topics.Subscription) -> Ack:
        """Answers are sent before frames: the ack goes out ahead of the snapshot."""
        topic = subscription.topic
        manner = Manner(request.format, request.interval_ms or 0)
        position = _position(request, topic)
        resumed = self._hub.subscribe(self._outbox, request.channel, subscription, manner, position)
        self._rolls.plan(topic, subscription.rolls_at, request, params)
        self._asked[topic] = request
        return Ack(
            id=request.id,
            op="subscribe" if position is None else "resume",
            ts_sent=self._clock(),
            channel=request.channel,
            topic=topic,
            echo=dict(subscription.echo) | ({} if position is None else {"resumed": resumed}),
        )

    async def _roll(self, plan: Plan) -> None:
        """Follow what a label means now in place of what it meant; the client hears it as if it had asked again."""
        if self._principal is None or plan.topic not in self._outbox.slots:
            self._rolls.forget(plan.topic)
            return
        try:
            subscription = await _resolved(plan.request, plan.params, self._principal)
        except Withdrawn as gone:
            if self._rolls.holds(plan):
                self._end(plan.topic, plan.request.id, gone)
            return
        if not self._rolls.holds(plan):
            return
        if subscription.topic == plan.topic:
            self._rolls.plan(plan.topic, subscription.rolls_at, plan.request, plan.params)
        elif await self._makes_way(plan, subscription.topic):
            self._outbox.answer(self._follow(plan.request, plan.params, subscription))
            self._leave(plan.topic)

    async def _makes_way(self, plan: Plan, topic: str) -> bool:
        """Return whether a plan may move to a topic now: another label that stands there has to move on before."""
        if other := self._rolls.of(topic):
            await self._roll(other)
            if self._rolls.of(topic):
                self._rolls.again(plan)
                return False
        return self._rolls.holds(plan)

    def _end(self, topic: str, request_id: RequestId, why: ProtocolError) -> None:
        """End a subscription that is not for this client any more."""
        self._leave(topic)
        self._outbox.answer(Error(id=request_id, code=why.code, message=why.message, topic=topic))

    def _leave(self, topic: str) -> None:
        self._hub.unsubscribe(self._outbox, topic)
        self._rolls.forget(topic)
        self._asked.pop(topic, None)

    def _unsubscribe(self, request: Unsubscribe) -> Ack:
        if request.topic not in self._outbox.slots:
            raise ProtocolError("not_subscribed", f"there is no subscription to {request.topic!r}")
        self._leave(request.topic)
        return Ack(id=request.id, op="unsubscribe", ts_sent=self._clock(), topic=request.topic)


async def _resolved(request: Subscribe, params: dict[str, object], principal: Principal) -> topics.Subscription:
    """Return what a request means now; raise ProtocolError."""
    try:
        return await topics.resolve(request.channel, params, principal)
    except InvalidRequest as error:
        valid = f"; valid: {', '.join(error.valid)}" if error.valid else ""
        raise ProtocolError("invalid_request", f"{error.detail}{valid}") from error
    except NotAvailable as error:
        raise ProtocolError("not_available", str(error)) from error


def _position(request: Subscribe, topic: str) -> Position | None:
    """Return where a client stood; None where it did not say, or stood in another topic than it asks for now."""
    if isinstance(request, Resume) and request.topic == topic:
        return Position(request.epoch, request.seq)
    return None
