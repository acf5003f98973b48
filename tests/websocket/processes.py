"""Servers of the test application as processes of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tradingviz.quickstart.preflight import free_port

REPOSITORY = Path(__file__).parents[2]
APPLICATION = "tests.websocket.application:application"
COMMANDS = {
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", "{application}"],
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--lifespan", "off", "{application}"],
}


class Running(NamedTuple):
    """A server that listens."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def server_process(kind: str, redis_url: str, log: Path, *, application: str = APPLICATION) -> Iterator[Running]:
    """Run a server; it is ended afterwards, and must have printed no traceback."""
    port = free_port()
    command = [sys.executable, "-m", *(part.format(port=port, application=application) for part in COMMANDS[kind])]
    environment = {**os.environ, "REDIS_URL": redis_url, "ENVIRONMENT": "test"}
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, child, log)
        yield Running(f"ws://127.0.0.1:{port}", child)
    finally:
        child.terminate()
        child.wait(timeout=15)
    assert "Traceback" not in log.read_text()


def _wait_for(port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert child.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nothing listens: {log.read_text()}")
