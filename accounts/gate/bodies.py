"""How large a request may be."""

from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]


class TooLarge(Exception):
    """More bytes than a request may have."""


def declared(length: str) -> int:
    """Return a Content-Length; -1 where it is none."""
    return int(length) if length.isascii() and length.isdigit() else -1


def bounded(receive: Receive, most: int) -> Receive:
    """Return a `receive` that raises TooLarge once a body passes `most` bytes, whatever length it declared."""
    seen = 0

    async def counted() -> dict[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise TooLarge
        return message

    return counted
