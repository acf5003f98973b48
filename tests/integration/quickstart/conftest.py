"""A state folder, and a manager on it in a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tradingviz.quickstart.pidfile import leftovers
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.processes import Identity, wait_until
from tradingviz.quickstart.run import stop
from tradingviz.settings.env import ROOT

StartManager = Callable[..., "Manager"]


@dataclass
class Manager:
    """A running manager and what it printed so far."""

    process: subprocess.Popen[bytes]
    state: Path
    port: int
    output_file: Path

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    def children(self) -> dict[str, Identity]:
        """The processes it wrote down."""
        return {entry.name: entry.identity for entry in leftovers(self.state / "pids.json").entries}

    def wait_ready(self) -> None:
        assert wait_until(lambda: "all ticks sent" in self.output, seconds=60), self.output

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=90)


@pytest.fixture(scope="module")
def state_folder() -> Iterator[Path]:
    """A path for a state folder; in the end whatever ran on it is ended, and root's server folder removed."""
    parent = Path(tempfile.mkdtemp(prefix="tradingviz-test-state-"))
    folder = parent / "state"
    yield folder
    stop(folder)
    facts = folder / "state.json"
    if facts.exists():
        shutil.rmtree(json.loads(facts.read_text())["servers"], ignore_errors=True)
    shutil.rmtree(parent)


@pytest.fixture
def start_manager(state_folder: Path) -> Iterator[StartManager]:
    """Starts managers on the state folder, all on one port, with variables; those still running are ended."""
    started: list[Manager] = []
    port = free_port()

    def start(**variables: str) -> Manager:
        descriptor, output = tempfile.mkstemp(dir=state_folder.parent)
        with os.fdopen(descriptor, "wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.quickstart.stand_in", str(state_folder), str(port)],
                cwd=ROOT,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=without_user_settings() | variables,
            )
        started.append(Manager(process, state_folder, port, Path(output)))
        return started[-1]

    yield start
    for manager in started:
        if manager.process.poll() is None:
            manager.end()


def without_user_settings() -> dict[str, str]:
    """The environment without a database or Redis that somebody set for the tests."""
    return {k: v for k, v in os.environ.items() if not k.startswith("DB_") and k != "REDIS_URL"}
