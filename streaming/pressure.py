"""How much a server holds for a peer that does not take it.

uvicorn's `send` waits while its buffer is full. Daphne's never waits: what a peer does not read piles up in the
transport's memory, without end and without a word. There the protocol that `send` is bound to is asked.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

# The ASGI message of a frame; one object is shared by all sockets that get the frame.
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]


def protocol_of(send: Send) -> Any:
    """Return the server's protocol that a `send` is bound to, None where it is bound to none."""
    return send.args[0] if isinstance(send, partial) and send.args else getattr(send, "__self__", None)


class Pressure:
    """What the server behind a `send` holds unsent, and how to end such a connection."""

    def __init__(self, send: Send) -> None:
        self._transport: Any = getattr(protocol_of(send), "transport", None)
        self._tells = hasattr(self._transport, "dataBuffer")

    def unsent(self) -> int:
        """Return the bytes that wait in the server's memory; 0 where its `send` waits instead."""
        held = self._transport
        return len(held.dataBuffer) - held.offset + held._tempDataLen if self._tells else 0  # noqa: SLF001 - nothing else tells

    def abort(self) -> None:
        """Hang up: a close frame would wait behind everything unsent."""
        # Twisted's transports, and those of asyncio.
        end = getattr(self._transport, "abortConnection", None) or getattr(self._transport, "abort", None)
        if end:
            end()
