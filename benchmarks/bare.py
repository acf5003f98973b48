"""A trivial ASGI endpoint, bare, asking Redis, and behind the gate: what benchmarks/gate.py serves."""

import os
from typing import Any

import django

from tradingviz.settings.env import choose_settings

choose_settings()
django.setup(set_prefix=False)


async def trivial(scope: Any, receive: Any, send: Any) -> None:
    """Answer two bytes."""
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def asking(scope: Any, receive: Any, send: Any) -> None:
    """Answer two bytes after one count in Redis: what no limit that holds for all processes can do without."""
    from tradingviz.core.redis import loop_line

    await loop_line().call("INCR", "asked")
    await trivial(scope, receive, send)


def served(what: str) -> Any:
    """Return the application of that name."""
    if what == "gate":
        from accounts.gate.middleware import Gate

        return Gate(trivial)
    return {"bare": trivial, "redis": asking}[what]


application = served(os.environ.get("SERVED", "bare"))
