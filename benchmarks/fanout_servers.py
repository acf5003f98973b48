"""The servers that benchmarks/fanout.py compares, each with its crowd: ours, the limit, and two peers."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.fanout_frames import Chains, Send
from benchmarks.rig import ROOT
from benchmarks.serving import APPLICATION, PEERS_PYTHON, start, uvicorn
from tradingviz.quickstart.preflight import free_port


@dataclass
class Subject:
    """A server process with its crowd; `send` publishes to it."""

    name: str
    port: int
    process: psutil.Process
    crowd: "subprocess.Popen[str]"
    send: Send
    kib_per_socket: float = 0.0
    sent: int = 0
    rounds: list[dict[str, float]] = field(default_factory=list)

    def ask(self, **command: Any) -> Any:
        """Let the crowd carry out a command."""
        assert self.crowd.stdin
        assert self.crowd.stdout
        self.crowd.stdin.write(json.dumps(command) + "\n")
        self.crowd.stdin.flush()
        answer = self.crowd.stdout.readline()
        assert answer, f"the crowd of {self.name} has ended"
        return json.loads(answer)

    def publish(self) -> tuple[int, float]:
        """Publish the next frame; return its seq and when that began (CLOCK_MONOTONIC, seconds)."""
        began = time.monotonic()
        seq = self.send(self.sent)
        self.sent += 1
        return seq, began

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the server run, and stop it again."""
        self.process.resume()
        try:
            yield
        finally:
            self.process.suspend()

    def memory_kib(self) -> float:
        """Return the server's resident memory."""
        return float(self.process.memory_info().rss) / 1024

    def cpu_seconds(self) -> float:
        """Return the processor time the server has used."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


def started(chains: Chains, stack: ExitStack, only: str) -> Iterator[Subject]:
    """Start the servers with `only` in their names; the FastAPI peer only where its packages are."""
    from asgiref.sync import async_to_sync
    from channels.layers import get_channel_layer

    group = async_to_sync(get_channel_layer().group_send)  # type: ignore[union-attr]
    daphne = ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p"]
    ports = [free_port() for _ in range(5)]
    commands: dict[str, tuple[list[str], Send]] = {
        "ours, Daphne": (
            [sys.executable, *daphne, str(ports[0]), APPLICATION], chains.ours(chains.expiries[0])),
        "ours, uvicorn": (
            [sys.executable, *uvicorn(ports[1], APPLICATION)], chains.ours(chains.expiries[1])),
        "limit: bare websockets": (
            [sys.executable, "-m", "benchmarks.peers.broadcast", str(ports[2])],
            chains.peers(lambda text: chains.redis.xadd("peer:broadcast", {"b": text}, maxlen=10))),
        "channel layer, Daphne": (
            [sys.executable, *daphne, str(ports[3]), "benchmarks.peers.layer:application"],
            chains.peers(lambda text: group("crowd", {"type": "crowd.frame", "text": text}))),
    }  # fmt: skip
    if PEERS_PYTHON.exists():
        commands["FastAPI loop, uvloop"] = (
            [str(PEERS_PYTHON), *uvicorn(ports[4], "benchmarks.peers.loop:app")],
            chains.peers(lambda text: chains.redis.publish("peer:loop", text)),
        )
    else:
        print("the FastAPI peer is left out: make .venv-peers as benchmarks/peers/requirements.txt says")
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for (name, (command, send)), port in zip(commands.items(), ports, strict=False):
        if only in name:
            yield stack.enter_context(running(name, command, send, port, logs))


@contextmanager
def running(name: str, command: list[str], send: Send, port: int, logs: Path) -> Iterator[Subject]:
    """Start a server and a crowd for it, both stopped until their turn; end them afterwards."""
    process = start(command, logs / f"{port}.log", port, {"RATE_LIMIT_PER_MINUTE": "1000000", "PORT": str(port)})
    crowd = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.crowd"], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.send_signal(signal.SIGSTOP)
    subject = Subject(name, port, psutil.Process(process.pid), crowd, send)
    try:
        yield subject
    finally:
        assert crowd.stdin
        crowd.stdin.close()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.terminate()
        crowd.wait(20)
        process.wait(20)
