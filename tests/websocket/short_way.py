"""An application that sends past its server: every message, or nothing where there is no short way."""

import asyncio
from typing import Any

from streaming.direct import Line, line_of
from streaming.pressure import Message

# Each side of the borders where a frame's length takes more bytes, and one that no kernel takes at once.
SIZES = (0, 1, 125, 126, 65_535, 65_536, 12 << 20)
MESSAGES: list[Message] = [{"type": "websocket.send", "text": "ü" * (size // 2) + "u" * (size % 2)} for size in SIZES]
MESSAGES += [{"type": "websocket.send", "bytes": bytes([size % 251]) * size} for size in SIZES]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Send all messages to whoever comes, then close."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    if line := line_of(send):
        for message in MESSAGES:
            await until_free(line)
            line.write(message)
        await until_free(line)
    await send({"type": "websocket.close", "code": 1000})


async def until_free(line: Line) -> None:
    """Wait until nothing that was sent waits."""
    while not line.free():
        await asyncio.sleep(0.01)
