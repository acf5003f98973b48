"""Reading /health of a real server on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.probe import Health, read_health


class Server(ThreadingHTTPServer):
    """Answers everything with what the test set."""

    status = 200
    body = b""


class Handler(BaseHTTPRequestHandler):
    """Sends the server's answer."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever).start()
        yield found
        found.shutdown()


def asked(server: Server, status: int, body: bytes) -> Health:
    server.status, server.body = status, body
    return read_health(f"http://127.0.0.1:{server.server_port}")


def test_all_is_well_with_the_ticks_so_far(server: Server) -> None:
    assert asked(server, 200, b'{"status": "healthy", "ticks": 700}') == Health(None, 700)


def test_no_ticks_yet_is_none_of_them(server: Server) -> None:
    assert asked(server, 200, b'{"status": "healthy", "ticks": null}') == Health(None, 0)


def test_degraded_is_not_well_and_says_why(server: Server) -> None:
    body = b'{"status": "degraded", "ingest": "unhealthy", "ticks": null}'
    assert asked(server, 200, body).trouble == body.decode()


def test_a_ticker_service_that_is_away_is_no_trouble_of_ours(server: Server) -> None:
    ours = {"database": "healthy", "redis": "healthy", "ingest": "healthy"}
    body = json.dumps({"status": "degraded", **ours, "ticker": "unhealthy", "ticks": 7}).encode()
    assert asked(server, 200, body) == Health(None, 7)


def test_an_error_answer_is_not_well_and_says_why(server: Server) -> None:
    trouble = asked(server, 503, b"database away").trouble
    assert trouble == "503 database away"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"<html>", b'{"status": "healthy"}'])
def test_what_is_no_health_report_is_trouble(server: Server, body: bytes) -> None:
    assert asked(server, 200, body).trouble is not None


def test_nobody_listening_is_trouble() -> None:
    trouble = read_health(f"http://127.0.0.1:{free_port()}").trouble
    assert trouble is not None
    assert "refused" in trouble
