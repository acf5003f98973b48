"""The short way from a message to a socket, past what ASGI servers do again for every socket.

A server's frames are not masked, so a message has the same bytes for all sockets that get it. Daphne and uvicorn make
them anew for each; Daphne also goes twice through its event loop for every write. Where the server is one of the two
and nothing is in the way, ready bytes go to the transport; otherwise, and with any other server, through `send`.
"""

from typing import Any, Protocol

from streaming.pressure import Message, Send, protocol_of

_TEXT, _BINARY = 0x81, 0x82
_DAPHNE, _TCP = "daphne.ws_protocol", "twisted.internet.tcp"
_UVICORN = "uvicorn.protocols.websockets.websockets_sansio_impl"


class Line(Protocol):
    """A way to one peer."""

    def free(self) -> bool:
        """Return whether a message can be sent now, with nothing before it that waits."""

    def write(self, message: Message) -> None:
        """Send a message; to be called where `free` said so."""


def line_of(send: Send) -> Line | None:
    """Return the short way to the peer of an ASGI server's `send`, None where there is none."""
    protocol = protocol_of(send)
    if _home(protocol) == _DAPHNE and _home(protocol.transport) == _TCP:
        return _Daphne(protocol)
    # With a compression that was agreed on, every socket has bytes of its own.
    return _Uvicorn(protocol) if _home(protocol) == _UVICORN and not protocol.conn.extensions else None


def _home(thing: object) -> str:
    """Return where a thing's class is from: the servers are known without being imported."""
    return type(thing).__module__


class _Connection:
    """A server's protocol and what carries it."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport


class _Daphne(_Connection):
    """Autobahn's protocol over Twisted's plain TCP. Only what it keeps to itself tells whether something waits."""

    __slots__ = ()

    def free(self) -> bool:
        protocol, transport = self._protocol, self._transport
        waits = transport._tempDataLen or transport.dataBuffer or protocol.send_queue  # noqa: SLF001 - see above
        is_open = protocol.state == protocol.STATE_OPEN and transport.connected and not transport.disconnecting
        return is_open and not waits and protocol._perMessageCompress is None  # noqa: SLF001 - see above

    def write(self, message: Message) -> None:
        data = _frame_of(message)
        taken = self._transport.writeSomeData(data)
        if taken != len(data):
            # An error is for Twisted to meet again, and to close the connection.
            self._transport.write(data[taken:] if isinstance(taken, int) else data)


class _Uvicorn(_Connection):
    """uvicorn's protocol over asyncio."""

    __slots__ = ()

    def free(self) -> bool:
        protocol, transport = self._protocol, self._transport
        is_open = protocol.handshake_complete and not protocol.close_sent and not transport.is_closing()
        return is_open and not transport.get_write_buffer_size()

    def write(self, message: Message) -> None:
        self._transport.write(_frame_of(message))


class _Last:
    """The message sent last, and its bytes: the next socket mostly gets the same."""

    message: Message | None = None
    data = b""


def _frame_of(message: Message) -> bytes:
    """Return a message as it stands on the wire: one unmasked frame (RFC 6455, 5.2)."""
    if message is not _Last.message:
        text = message.get("text")
        payload: bytes = message["bytes"] if text is None else text.encode()
        _Last.data = _head(_BINARY if text is None else _TEXT, len(payload)) + payload
        _Last.message = message
    return _Last.data


def _head(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2)
    return bytes((first, 127)) + size.to_bytes(8)
