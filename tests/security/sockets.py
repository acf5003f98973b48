"""Sockets of the real application in the test's own loop."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from channels.testing import WebsocketCommunicator

from tests.rig.asgi import settled

PATIENCE = 45.0
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Knock:
    """How a socket is opened."""

    query: str = ""
    headers: Sequence[tuple[bytes, bytes]] = ()
    subprotocols: Sequence[str] = ()
    address: str = "192.0.2.1"
    path: str = "/ws/fo/stream"


@dataclass(slots=True)
class Told:
    """What came back: frames but heartbeats, and the code where the socket was closed."""

    frames: list[Json] = field(default_factory=list)
    closed: int | None = None

    @property
    def error(self) -> str | None:
        """The code of the last error."""
        return next((frame["code"] for frame in reversed(self.frames) if frame["type"] == "error"), None)


def opened(knock: Knock) -> WebsocketCommunicator:
    """Return a socket that is still to be connected."""
    from tradingviz.asgi import application

    path = f"{knock.path}{knock.query}"
    socket = WebsocketCommunicator(application, path, list(knock.headers), list(knock.subprotocols))
    socket.scope["client"] = (knock.address, 40_000)
    return socket


async def ask_socket(knock: Knock, *messages: Json | str) -> Told:
    """Open a socket, send messages one after another, each when the one before was answered; close it."""
    told, socket = Told(), opened(knock)
    try:
        assert (await socket.connect(timeout=PATIENCE))[0]
        for message in messages:
            with suppress(Exception):
                await socket.send_to(message if isinstance(message, str) else json.dumps(message))
            await _hear(socket, told)
            if told.closed:
                return told
        if not await socket.receive_nothing(timeout=0.05):
            _noted(await socket.receive_output(), told)
    finally:
        with suppress(asyncio.CancelledError):
            await socket.disconnect()
        await settled()
    return told


async def _hear(socket: WebsocketCommunicator, told: Told) -> None:
    """Take what comes until it is an answer, or the end."""
    while not _noted(await socket.receive_output(timeout=PATIENCE), told):
        pass


def _noted(message: Json, told: Told) -> bool:
    """Note what came; return whether it is an answer, or the end."""
    if message["type"] == "websocket.close":
        told.closed = int(message["code"])
        return True
    frame = json.loads(message.get("text") or "null")
    # None answers a message; in the hours of a real session a market without a feed is stale at any moment.
    if not frame or frame["type"] in ("heartbeat", "stale", "recovered"):
        return False
    told.frames.append(frame)
    return True
