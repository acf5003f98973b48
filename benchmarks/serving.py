"""The servers that benchmarks/rest.py compares: ours as production starts it, and the peer; one process each."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.rig import ROOT
from tradingviz.quickstart.preflight import free_port

PEERS_PYTHON = Path(os.environ.get("PEERS_PYTHON") or ROOT / ".venv-peers" / "bin" / "python")
START_SECONDS = 60.0
APPLICATION = "tradingviz.asgi:application"


@dataclass(frozen=True, slots=True)
class Target:
    """A server that listens on a port of the loopback interface; one process."""

    name: str
    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time it has used: unlike time on the clock, neighbours hardly change it."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


@contextmanager
def targets() -> Iterator[list[Target]]:
    """Start ours by Daphne and by uvicorn, and the peer where its packages are; end them afterwards."""
    ports = [free_port() for _ in range(3)]
    commands = {
        "ours, Daphne": [
            sys.executable,
            "-m",
            "daphne",
            "-v",
            "0",
            "-b",
            "127.0.0.1",
            "-p",
            str(ports[0]),
            APPLICATION,
        ],
        "ours, uvicorn": [sys.executable, *uvicorn(ports[1], APPLICATION)],
    }
    if PEERS_PYTHON.exists():
        commands["peer, uvicorn"] = [str(PEERS_PYTHON), *uvicorn(ports[2], "benchmarks.peers.app:app")]
    else:
        print("the peer is left out: make .venv-peers as benchmarks/peers/requirements.txt says")
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as logs:
        try:
            for (name, command), port in zip(commands.items(), ports, strict=False):
                started.append(start(command, Path(logs) / f"{port}.log", port))
                print(f"  {name}: port {port} answers")
            found = zip(commands, ports, started, strict=False)
            yield [Target(name, port, psutil.Process(process.pid)) for name, port, process in found]
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(20)


def uvicorn(port: int, application: str) -> list[str]:
    """Return how uvicorn is started; it takes uvloop and httptools by itself where they are installed."""
    options = ["--no-access-log", "--no-proxy-headers", "--ws-per-message-deflate", "false"]
    return ["-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), *options, application]


def start(
    command: list[str], log: Path, port: int, extra: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start a server and wait until it answers; raises RuntimeError with its log where it does not."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=production() | dict(extra or {}), stdout=output, stderr=output
        )
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.2)
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/health/live")
            connection.getresponse()
        except OSError:
            continue
        return process
    process.kill()
    raise RuntimeError(f"{' '.join(command)} does not answer:\n{log.read_text()[-2_000:]}")


def production() -> dict[str, str]:
    """Return the environment of a server: production's settings, without TLS on the loopback interface."""
    own = {
        "ENVIRONMENT": "production",
        "DJANGO_SETTINGS_MODULE": "tradingviz.settings.prod",
        "DJANGO_SECRET_KEY": os.environ.setdefault("DJANGO_SECRET_KEY", secrets.token_urlsafe(48)),
        "CREDENTIALS_KEY": os.environ.setdefault("CREDENTIALS_KEY", secrets.token_urlsafe(48)),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
        # Every request is counted, and none is one too many.
        "RATE_LIMIT_PER_MINUTE": "10000000",
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **own}


def peer_versions(*packages: str) -> str:
    """Return the versions of the peer's packages."""
    program = "import sys; from importlib.metadata import version as of; print(*(f'{n} {of(n)}' for n in sys.argv[1:]))"
    command = [PEERS_PYTHON, "-c", program, *packages]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
