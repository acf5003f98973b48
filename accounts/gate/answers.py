"""Answers on their way out: the gate's headers on all of them, and its own refusals."""

from typing import Any

from accounts.gate.cors import Header
from accounts.gate.quota import Verdict
from tradingviz.core import json
from tradingviz.core.errors import PROBLEM_TYPE, problem
from tradingviz.core.headers import API_HEADERS

Message = dict[str, Any]


class Answer:
    """The `send` of a request: adds headers to whatever is answered, and notes the status."""

    __slots__ = ("_send", "headers", "status")

    def __init__(self, send: Any, headers: list[Header]) -> None:
        self._send = send
        self.headers = headers
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send one ASGI message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self.headers]}
        await self._send(message)

    async def refuse(self, status: int, detail: str, headers: tuple[Header, ...] = ()) -> None:
        """Answer with a problem."""
        own = [(b"content-type", PROBLEM_TYPE.encode()), (b"cache-control", b"no-store"), *API_HEADERS, *headers]
        await self.end(status, json.encode(problem(status, detail)), own)

    async def end(self, status: int, body: bytes, headers: list[Header]) -> None:
        """Answer with a body."""
        length = (b"content-length", str(len(body)).encode())
        await self({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await self({"type": "http.response.body", "body": body})


def quota_headers(verdict: Verdict) -> list[Header]:
    """Return the RateLimit headers of an answer."""
    return [
        (b"ratelimit-limit", str(verdict.limit).encode()),
        (b"ratelimit-remaining", str(verdict.remaining).encode()),
        (b"ratelimit-reset", str(verdict.reset_s).encode()),
    ]
