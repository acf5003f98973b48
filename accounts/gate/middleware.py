"""The gate: request id, principal, quota; then headers, metrics and a line in the log. HTTP and WebSocket alike."""

import asyncio
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from accounts.gate.address import client_address
from accounts.gate.answers import Answer, quota_headers
from accounts.gate.bodies import TooLarge, bounded, declared
from accounts.gate.cors import Header, cors_headers, preflight_headers
from accounts.gate.credentials import Credential, from_authorization, from_handshake, header, joined
from accounts.gate.hosts import is_own
from accounts.gate.identity import Identity, SocketGatekeeper, identity_of, may_be_guess
from accounts.gate.quota import Quotas, Rule, Verdict
from accounts.gate.rules import most_sockets, preflight_rule, route_of, rule_for, socket_rule, stray_rule
from tradingviz.core.logging.config import ACCESS_LOGGER
from tradingviz.core.logging.context import bind
from tradingviz.core.metrics import observe
from tradingviz.core.redis import loop_line

access_log = logging.getLogger(ACCESS_LOGGER)

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

# What a caller may call its request; anything else gets a name of ours.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_gatekeeper = SocketGatekeeper()
_quotas: WeakKeyDictionary[asyncio.AbstractEventLoop, Quotas] = WeakKeyDictionary()


def quotas() -> Quotas:
    """Return the counts of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _quotas:
        _quotas[loop] = Quotas(loop_line())
    return _quotas[loop]


class Gate:
    """Wraps the ASGI application.

    What is inside finds in its scope: `identity`, `request_id`, the client's real address as `client`, and for a socket
    `crowded`, True where it is one too many.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one request or socket."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        known = _known(scope)
        with bind(request_id=known["request_id"]):
            await (self._http if kind == "http" else self._websocket)(known, receive, send)

    async def _websocket(self, scope: Scope, receive: Any, send: Any) -> None:
        credential = from_handshake(scope)
        spent = await _counted_guess(scope, credential, socket_rule(None))
        identity = await identity_of(credential) if spent is None or spent.allowed else Identity()
        if spent is None or identity.principal:
            spent = await quotas().take(socket_rule(identity.principal), _who(scope, identity))
        with self._counted(_who(scope, identity)) as open_now, bind(socket_id=scope["request_id"], **_names(identity)):
            found = {
                "identity": identity,
                "gatekeeper": _gatekeeper,
                "crowded": not spent.allowed or open_now > most_sockets(identity.principal),
                "subprotocol": credential.subprotocol if credential else None,
            }
            await self._application({**scope, **found}, receive, send)

    @contextmanager
    def _counted(self, who: str) -> Iterator[int]:
        """Count a socket of somebody for as long as it is open; yield how many there are."""
        self._open[who] += 1
        try:
            yield self._open[who]
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    async def _http(self, scope: Scope, receive: Any, send: Any) -> None:
        began = time.perf_counter()
        origin = header(scope["headers"], b"origin")
        answer = Answer(send, [(b"x-request-id", scope["request_id"].encode())])
        if origin:
            answer.headers += cors_headers(origin, settings.CORS_ALLOWED_ORIGINS)
        route, identity = route_of(scope["path"]), Identity()
        try:
            if await _met_at_the_door(scope, answer, origin):
                return
            spent = None
            if rule := rule_for(route, scope["method"], None):  # where a view counts guesses nobody asks who it is
                credential = from_authorization(header(scope["headers"], b"authorization"))
                spent = await _counted_guess(scope, credential, rule)
                identity = await identity_of(credential) if spent is None or spent.allowed else identity
            identified = time.perf_counter()
            with bind(**_names(identity)):
                scope = {**scope, "identity": identity}
                if await _allowed(scope, answer, route, spent):
                    answer.headers.append(_timing(identified - began, time.perf_counter() - identified))
                    await self._admit(scope, receive, answer)
        finally:
            _note(scope, answer, route, identity, time.perf_counter() - began)

    async def _admit(self, scope: Scope, receive: Any, answer: Answer) -> None:
        """Let a request in, if it is not too large."""
        most = settings.MAX_REQUEST_BYTES
        try:
            if declared(header(scope["headers"], b"content-length")) > most:
                raise TooLarge
            await self._application(scope, bounded(receive, most), answer)
        except TooLarge:
            if not answer.status:
                await answer.refuse(413, f"a request may have {most} bytes", ((b"connection", b"close"),))


async def _met_at_the_door(scope: Scope, answer: Answer, origin: str) -> bool:
    """Count and answer what asks for nothing inside: who means another host, and a browser before it asks."""
    if not is_own(scope, settings.ALLOWED_HOSTS):
        if await _counted(answer, stray_rule(), _address(scope)):
            await answer.refuse(400, "this service does not go by that host")
        return True
    if _is_preflight(scope, origin):
        if await _counted(answer, preflight_rule(), _address(scope)):
            await answer.end(204, b"", preflight_headers(origin, settings.CORS_ALLOWED_ORIGINS))
        return True
    return False


async def _allowed(scope: Scope, answer: Answer, route: str, spent: Verdict | None) -> bool:
    """Count a request, unless what it presented was counted and came to nothing; answer where it is one too many."""
    principal = scope["identity"].principal
    rule = rule_for(route, scope["method"], principal)
    return rule is None or await _counted(
        answer, rule, _who(scope, scope["identity"]), spent if spent and not principal else None
    )


async def _counted(answer: Answer, rule: Rule, who: str, spent: Verdict | None = None) -> bool:
    """Count one request of somebody, unless that is done; answer where it is one too many."""
    verdict = spent or await quotas().take(rule, who)
    answer.headers += quota_headers(verdict)
    if not verdict.allowed:
        detail = f"at most {verdict.limit} requests in {rule.seconds} s; again in {verdict.reset_s} s"
        await answer.refuse(429, detail, ((b"retry-after", str(verdict.reset_s).encode()),))
    return verdict.allowed


async def _counted_guess(scope: Scope, credential: Credential | None, rule: Rule) -> Verdict | None:
    """Count what may be a guess for the address it comes from, before the database is asked; None for what is none."""
    if credential is None or not may_be_guess(credential):
        return None
    return await quotas().take(rule, _address(scope))


def _known(scope: Scope) -> Scope:
    """Return the scope with a name for the request, the address it really comes from, and the path that is asked for.

    A server lets clients write `root_path` (Daphne: the header Daphne-Root-Path), which Django takes off the path: then
    another view would answer than the one whose limit was counted.
    """
    peer = scope.get("client") or [None, 0]
    forwarded = joined(scope["headers"], b"x-forwarded-for")
    address = client_address(peer[0], forwarded, settings.TRUSTED_PROXIES)
    called = header(scope["headers"], b"x-request-id")
    request_id = called if _REQUEST_ID.fullmatch(called) else f"{random.getrandbits(128):032x}"
    return {**scope, "client": [address, peer[1]], "request_id": request_id, "root_path": ""}


def _is_preflight(scope: Scope, origin: str) -> bool:
    return bool(origin and scope["method"] == "OPTIONS" and header(scope["headers"], b"access-control-request-method"))


def _who(scope: Scope, identity: Identity) -> str:
    """Return whom a request is counted for."""
    return f"user:{identity.principal.user_id}" if identity.principal else _address(scope)


def _address(scope: Scope) -> str:
    return f"address:{scope['client'][0]}"


def _names(identity: Identity) -> dict[str, int]:
    return {"user_id": identity.principal.user_id} if identity.principal else {}


def _timing(auth_s: float, limit_s: float) -> Header:
    return b"server-timing", f"auth;dur={auth_s * 1000:.2f}, limit;dur={limit_s * 1000:.2f}".encode()


def _note(scope: Scope, answer: Answer, route: str, identity: Identity, seconds: float) -> None:
    """Count a request and write its line; what the client gave up on has no status and is 499."""
    status = answer.status or 499
    observe(scope["method"], route, status, seconds)
    access_log.info(
        "%s %s %d", scope["method"], route, status,
        extra={"ms": round(seconds * 1000, 2), "address": scope["client"][0], **_names(identity)},
    )  # fmt: skip
