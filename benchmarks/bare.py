"""A trivial ASGI endpoint, bare and behind the gate: what benchmarks/gate.py serves."""

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


application: Any = trivial
if os.environ.get("BEHIND_THE_GATE"):
    from accounts.gate.middleware import Gate

    application = Gate(trivial)
