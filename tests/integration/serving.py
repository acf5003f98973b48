"""Real web servers as processes of their own, on loopback."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.rig.data import REPOSITORY
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.processes import has_exited, reap, spawn, wait_until

APPLICATION = "tradingviz.asgi:application"
# As docs/operations.md says: tests/security/test_uvicorn.py.
UVICORN = ("--no-proxy-headers", "--ws-max-size", "65536", "--ws-per-message-deflate", "false")


@dataclass(frozen=True, slots=True)
class Web:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str, *, timeout: float = 30.0, **headers: str) -> tuple[int, bytes, Message]:
        """Return status, body and headers of an answer."""
        return self.ask("GET", path, timeout=timeout, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        timeout: float = 30.0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, bytes, Message]:
        """Return status, body and headers of the answer to any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def json(self, path: str) -> dict[str, Any]:
        """Return the body of an answer, whatever its status."""
        found: dict[str, Any] = json.loads(self.get(path)[1])
        return found

    def lines(self) -> list[dict[str, Any]]:
        """Return what it logged; fail where a line is no JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def command(server: str, port: int, application: str) -> list[str]:
    """Return how a server is started."""
    if server == "daphne":
        return [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), application]
    return [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), *UVICORN, application]


@contextmanager
def serving(server: str, environment: Mapping[str, str], log: Path, *, application: str = APPLICATION) -> Iterator[Web]:
    """Run `uvicorn` or `daphne` for as long as the block lasts."""
    port = free_port()
    child = spawn(command(server, port, application), log=log, environment=environment, cwd=REPOSITORY)
    web = Web(child, port, log)
    try:
        assert wait_until(lambda: has_exited(child) or _answers(web), seconds=60, pause=0.1), log.read_text()
        assert not has_exited(child), log.read_text()
        yield web
    finally:
        child.terminate()
        wait_until(lambda: has_exited(child), seconds=10)
        reap(child)


def _answers(web: Web) -> bool:
    try:
        return web.get("/health/live", timeout=2)[0] == 200
    except OSError:
        return False
