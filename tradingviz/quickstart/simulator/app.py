"""The REST side: docs/protocol.md, "Ticker service". A bare ASGI application, since it is half a dozen answers."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS, from_ms, ist_date
from tradingviz.quickstart.simulator.faults import Fault
from tradingviz.quickstart.simulator.feed import Feed
from tradingviz.quickstart.simulator.history import candles
from tradingviz.quickstart.simulator.listing import master_csv

TOKENS_A_CALL = 500
HISTORY_TOKENS = 200
MOST_BYTES = 1 << 20
LONGEST_HISTORY_MS = 24 * 60 * MINUTE_MS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, object]


class Tokens(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change of subscriptions."""

    tokens: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]], msgspec.Meta(max_length=TOKENS_A_CALL)]


class _Wrong(ValueError):
    """The caller must change the request."""


@dataclass(frozen=True, slots=True)
class Application:
    """Answers for a feed; `faults` lets its faults be switched."""

    feed: Feed
    faults: bool = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            status, body = await self._answer(scope, await _body(receive))
        except (_Wrong, msgspec.MsgspecError) as error:
            status, body = 400, {"detail": str(error)}
        is_text = isinstance(body, str)
        payload = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        kind = b"text/csv; charset=utf-8" if is_text else b"application/json"
        headers = [(b"content-type", kind), (b"content-length", str(len(payload)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    async def _answer(self, scope: Message, body: bytes) -> Answer:
        match scope["method"], scope["path"]:
            case "GET", "/health":
                return 200, self._health()
            case "GET", "/subscriptions":
                return 200, {"tokens": sorted(self.feed.tokens)}
            case "POST", "/subscriptions":
                return 200, self._subscribe(_tokens(body))
            case "DELETE", "/subscriptions":
                self.feed.tokens -= frozenset(_tokens(body))
                return 200, {"subscribed": len(self.feed.tokens)}
            case "GET", "/history":
                return 200, {"candles": await asyncio.to_thread(self._history, scope["query_string"].decode())}
            case "GET", "/instruments":
                return 200, await asyncio.to_thread(master_csv, ist_date(from_ms(self.feed.clock())))
            case "POST", "/faults" if self.faults:
                self.feed.fault = msgspec.json.decode(body, type=Fault)
                return 200, self.feed.fault
            case method, "/health" | "/subscriptions" | "/history" | "/instruments":
                return 405, {"detail": f"{method} is not known here"}
        return 404, {"detail": "there is no such path"}

    def _health(self) -> dict[str, object]:
        feed = self.feed
        return {
            "status": "healthy",
            "simulated": True,
            "seed": feed.market.seed,
            "ts": feed.clock(),
            "subscribed": len(feed.tokens),
            "ticks": feed.ticks,
            "lost_frames": feed.lost_frames,
            "fault": feed.fault.kind,
        }

    def _subscribe(self, tokens: list[int]) -> dict[str, object]:
        listed = self.feed.market.day_at(self.feed.clock()).listing
        known = set(listed.token[listed.rows_of(np.array(tokens, np.int64))].tolist())
        self.feed.tokens |= known
        return {"subscribed": len(self.feed.tokens), "unknown": sorted(set(tokens) - known)}

    def _history(self, query: str) -> dict[int, Any]:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        try:
            tokens = {int(token) for token in asked["tokens"].split(",")}
            first, end = int(asked["from"]), int(asked["to"])
        except (KeyError, ValueError) as error:
            raise _Wrong("tokens, from and to are needed: whole numbers, tokens separated by commas") from error
        if len(tokens) > HISTORY_TOKENS:
            raise _Wrong(f"more than {HISTORY_TOKENS} tokens")
        if first % MINUTE_MS or end % MINUTE_MS or not 0 <= end - first <= LONGEST_HISTORY_MS:
            raise _Wrong("from and to are whole minutes in ms, a day apart at most")
        now = self.feed.clock()
        return candles(self.feed.market, tokens, from_ms=first, to_ms=min(end, now - now % MINUTE_MS))


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise _Wrong("the body is too long")
        if not message.get("more_body"):
            return bytes(body)


def _tokens(body: bytes) -> list[int]:
    return msgspec.json.decode(body, type=Tokens).tokens
