"""A peer of benchmarks/fanout.py: a FastAPI hub that sends every message of a Redis channel to its sockets in turn."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import redis.asyncio
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

CHANNEL = "peer:loop"
sockets: set[WebSocket] = set()


async def read() -> None:
    """Send every message to everybody."""
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    async with client.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        async for message in channel.listen():
            if message["type"] == "message":
                text = message["data"].decode()
                for socket in list(sockets):
                    with suppress(WebSocketDisconnect, RuntimeError):
                        await socket.send_text(text)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Read for as long as the service runs."""
    del app
    task = asyncio.create_task(read())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Keep a socket until it leaves."""
    await socket.accept()
    sockets.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        sockets.discard(socket)
