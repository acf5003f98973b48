"""The limit of benchmarks/fanout.py: the `websockets` package alone, ready text from a stream to all connections."""

import asyncio
import os
import sys

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve

STREAM = "peer:broadcast"
connections: set[ServerConnection] = set()


async def stay(connection: ServerConnection) -> None:
    """Keep a connection for as long as the peer does."""
    connections.add(connection)
    try:
        await connection.wait_closed()
    finally:
        connections.discard(connection)


async def read() -> None:
    """Send every text of the stream to everybody."""
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    last = "$"
    while True:
        for _, entries in await client.xread({STREAM: last}, block=100):
            for entry, fields in entries:
                last = entry
                broadcast(connections, fields[b"b"].decode())


async def main() -> None:
    """Serve on the port that the command line names."""
    async with serve(stay, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None):
        await read()


if __name__ == "__main__":
    asyncio.run(main())
