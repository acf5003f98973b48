"""The line which is printed for another terminal, pasted into one."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tradingviz.quickstart.banner import banner, curl_line

PASSWORD = 'it\'s "quoted" $HOME `x`'


class Doorkeeper(BaseHTTPRequestHandler):
    """Gives a token for the right password, and the chain for the token."""

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = sent == {"username": "demo", "password": PASSWORD} and self.path == "/auth/token"
        self.answer({"access": "the-token"} if known else {})

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bearer the-token"
        self.answer({"asked": self.path} if known else {})

    def answer(self, document: dict[str, str]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep the test's output clean."""


@pytest.fixture
def base() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Doorkeeper) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_pasted_line_gets_a_token_and_asks_for_the_chain(base: str, shell: str) -> None:
    line = curl_line(base=base, user="demo", password=PASSWORD)
    finished = subprocess.run([shell], input=line, capture_output=True, text=True, timeout=30)
    assert json.loads(finished.stdout) == {"asked": "/fo/strike-distribution?underlying=NIFTY"}


def test_the_banner_holds_the_line_on_a_line_of_its_own() -> None:
    values = {"DEMO_USER": "demo", "DEMO_PASSWORD": "secret"}
    text = banner(base="http://127.0.0.1:8081", values=values, state=Path("/state"), seconds=1.0)
    line = curl_line(base="http://127.0.0.1:8081", user="demo", password="secret")
    assert line in text.splitlines()
