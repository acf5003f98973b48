"""A light HTTP load generator, a process of its own: a plan as JSON on stdin, what it found as JSON on stdout.

Connections are kept alive; each sends its next request when the answer to the last has arrived, so latencies are those
of a closed loop. Bodies are counted, not parsed: the generator takes far less of a processor than any server here.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from typing import Any

HEAD_END = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One kept-alive connection; `exchange` sends a request and returns the answer's status and length."""

    def __init__(self) -> None:
        """Nothing is under way yet."""
        self.transport: Any = None
        self.done: asyncio.Future[tuple[int, int]] | None = None
        self.head, self.status, self.length, self.missing = b"", 0, 0, 0

    def connection_made(self, transport: Any) -> None:
        """Keep the way to send."""
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up ends the measurement."""
        if self.done and not self.done.done():
            self.done.set_exception(ConnectionError(f"the server hung up: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Count what arrives, until the body is whole."""
        if self.missing:
            self.missing -= len(data)
        else:
            self.head += data
            head, found, body = self.head.partition(HEAD_END)
            if not found:
                return
            self.head = b""
            self.status = int(head[9:12])
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            self.length = int(fields[b"content-length"])
            self.missing = self.length - len(body)
        if not self.missing and self.done:
            self.done.set_result((self.status, self.length))

    async def exchange(self, request: bytes) -> tuple[int, int]:
        """Send and wait."""
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.done


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Send the plan's paths: each once, or again and again for some seconds.

    `plan`: port, token, paths, concurrency, seconds (null: each path once). Returns latencies (ms), the seconds all
    took, how often each status came, and the bytes of bodies.
    """
    paths: Iterator[str] = cycle(plan["paths"]) if plan["seconds"] else iter(plan["paths"])
    began = time.perf_counter()
    until = began + plan["seconds"] if plan["seconds"] else float("inf")
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    size = 0

    async def one() -> None:
        nonlocal size
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", plan["port"])
        for path in paths:
            sent = time.perf_counter()
            if sent > until:
                break
            status, length = await connection.exchange(request_of(path, plan))
            latencies.append((time.perf_counter() - sent) * 1000)
            statuses[status] += 1
            size += length
        connection.transport.close()

    await asyncio.gather(*(one() for _ in range(plan["concurrency"])))
    taken = time.perf_counter() - began
    return {"latencies": latencies, "seconds": taken, "statuses": statuses, "bytes": size}


def request_of(path: str, plan: dict[str, Any]) -> bytes:
    """Return a request as it goes out; nothing compressed is asked for."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{plan['port']}\r\nAuthorization: Bearer {plan['token']}\r\n"
        "Accept: application/json\r\nAccept-Encoding: identity\r\n\r\n"
    ).encode()


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
