"""A ticker service of a few lines: real HTTP on loopback, candles from a dict, and the ways in which it may fail."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Candles = dict[int, list[list[float | None]]]  # per token: ts_ms, open, high, low, close, volume, oi


@dataclass
class TickerService:
    """What it knows, and what it was asked."""

    candles: Candles = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    subscribed: set[int] = field(default_factory=set)
    url: str = ""
    respond: Callable[[BaseHTTPRequestHandler], bool] = lambda handler: False
    """Answers in its own way and returns True, or leaves the answer to the service."""

    def change(self, method: str, tokens: list[int]) -> bytes:
        """Subscribe or unsubscribe."""
        assert len(tokens) <= 500
        self.subscribed = self.subscribed | set(tokens) if method == "POST" else self.subscribed - set(tokens)
        return b'{"subscribed": %d}' % len(self.subscribed)

    def answer(self, query: dict[str, str]) -> dict[str, Any]:
        """Return the candles of the tokens asked for in [from, to)."""
        first, end = int(query["from"]), int(query["to"])
        tokens = [int(token) for token in query["tokens"].split(",")]
        assert len(tokens) <= 200
        found = {token: [c for c in self.candles.get(token, []) if first <= (c[0] or 0) < end] for token in tokens}
        return {"candles": {str(token): rows for token, rows in found.items() if rows}}


@contextmanager
def serving() -> Iterator[TickerService]:
    """Serve on a free port until the block ends."""
    service = TickerService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            service.asked.append(query)
            if not service.respond(self):
                reply(self, 200 if parts.path == "/history" else 404, json.dumps(service.answer(query)).encode())

        def do_DELETE(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.asked.append({"method": self.command})
            if not service.respond(self):
                reply(self, 200, service.change(self.command, json.loads(body)["tokens"]))

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    """Send a whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def failing(status: int, *, times: int = 1_000) -> Callable[[BaseHTTPRequestHandler], bool]:
    """Return a way to answer with a status, the first `times` times."""
    left = iter(range(times))

    def respond(handler: BaseHTTPRequestHandler) -> bool:
        if next(left, None) is None:
            return False
        reply(handler, status, b"no")
        return True

    return respond


def saying(body: bytes) -> Callable[[BaseHTTPRequestHandler], bool]:
    """Return a way to answer with some bytes."""

    def respond(handler: BaseHTTPRequestHandler) -> bool:
        reply(handler, 200, body)
        return True

    return respond


def silent(seconds: float) -> Callable[[BaseHTTPRequestHandler], bool]:
    """Return a way to say nothing for a while and hang up."""

    def respond(handler: BaseHTTPRequestHandler) -> bool:
        time.sleep(seconds)
        handler.close_connection = True
        return True

    return respond


def trickling(handler: BaseHTTPRequestHandler) -> bool:
    """Answer a byte at a time."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        pass
    return True
