"""How much a server holds for a peer that does not take it.

uvicorn's `send` waits while its buffer is full. Daphne's never waits: what a peer does not read piles up in the
transport's memory, without end and without a word. There the protocol that `send` is bound to is asked. Neither knows
of what lies in the kernel, some megabytes: so the kernel is asked how far the peer's has come.
"""

import socket
import struct
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

# The ASGI message of a frame; one object is shared by all sockets that get the frame.
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]


# Of Linux' struct tcp_info: segments on their way, bytes acknowledged ever, bytes not sent yet.
_UNACKED, _ACKED, _UNSENT = struct.Struct("24xI"), struct.Struct("120xQ"), struct.Struct("144xI")
_TCP_INFO_BYTES = 148


def protocol_of(send: Send) -> Any:
    """Return the server's protocol that a `send` is bound to, None where it is bound to none."""
    return send.args[0] if isinstance(send, partial) and send.args else getattr(send, "__self__", None)


class Pressure:
    """What the server behind a `send` holds unsent, and how to end such a connection."""

    def __init__(self, send: Send) -> None:
        self._transport: Any = getattr(protocol_of(send), "transport", None)
        self._tells = hasattr(self._transport, "dataBuffer")
        self._socket = _socket_of(self._transport)

    def unsent(self) -> int:
        """Return the bytes that wait in the server's memory; 0 where its `send` waits instead."""
        held = self._transport
        return len(held.dataBuffer) - held.offset + held._tempDataLen if self._tells else 0  # noqa: SLF001 - nothing else tells

    def taken(self) -> int | None:
        """Return the bytes that the peer's kernel ever took; None where it took all, or where that cannot be told.

        It cannot where the kernel is no Linux, or what carries the connection is no TCP.
        """
        if self._socket is None:
            return None
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except OSError:  # closed, or a local socket
            return None
        if len(info) < _TCP_INFO_BYTES or not (_UNACKED.unpack_from(info)[0] or _UNSENT.unpack_from(info)[0]):
            return None
        return int(_ACKED.unpack_from(info)[0])

    def abort(self) -> None:
        """Hang up: a close frame would wait behind everything unsent."""
        # Twisted's transports, and those of asyncio.
        end = getattr(self._transport, "abortConnection", None) or getattr(self._transport, "abort", None)
        if end:
            end()


def _socket_of(transport: Any) -> Any:
    """Return the socket under a transport of asyncio or Twisted, None where there is none that knows TCP_INFO."""
    if hasattr(transport, "get_extra_info"):
        found = transport.get_extra_info("socket")
    else:
        found = transport.getHandle() if hasattr(transport, "getHandle") else None
    return found if hasattr(found, "getsockopt") and hasattr(socket, "TCP_INFO") else None
