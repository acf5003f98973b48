"""`make run` itself, on a recorded day: from an empty folder to the pasted line, and down again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.quickstart.conftest import Manager, without_user_settings
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.processes import wait_until
from tradingviz.settings.env import ROOT

DAY = "nse_2026_02/index_option_chain_2026-02-03.csv.gz"
NOT_FOR_IT = ("DJANGO_SETTINGS_MODULE", "ENVIRONMENT", "JWT_SECRET_KEY", "DJANGO_SECRET_KEY", "CREDENTIALS_KEY")


@pytest.fixture
def manager(state_folder: Path, shared_data: Path) -> Iterator[Manager]:
    """The real thing at full speed."""
    yield from running(state_folder, {"SPEED": "max", "REPLAY": str(shared_data / DAY)})


@pytest.fixture
def simulating(state_folder: Path) -> Iterator[Manager]:
    """The real thing without a recording."""
    yield from running(state_folder, {"SIMULATOR_PORT": str(free_port())})


def running(state_folder: Path, options: dict[str, str]) -> Iterator[Manager]:
    """Run it until the test is done."""
    port, output = free_port(), state_folder.parent / "output"
    variables = {"TRADINGVIZ_STATE": str(state_folder), "PORT": str(port)}
    variables["LOG_FILE"] = str(state_folder.parent / "logs" / "app.log")
    environment = without_user_settings() | variables | options
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tradingviz.quickstart", "run"],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in environment.items() if name not in NOT_FOR_IT},
        )
    found = Manager(process, state_folder, port, output)
    yield found
    if process.poll() is None:
        found.end()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_recorded_day_is_answered_to_the_pasted_line_and_all_ends_well(manager: Manager) -> None:
    done = ("Ctrl-C ends it", "replayed ")
    assert wait_until(lambda: all(words in manager.output for words in done), seconds=180), manager.output
    ran = manager.children()
    assert set(ran) == {"manager", "postgres", "redis", "ingest", "orders", "worker", "beat", "web"}
    line = next(text for text in manager.output.splitlines() if text.startswith("curl "))
    answer = json.loads(subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout)
    assert answer["underlying"] == "NIFTY"
    assert [chain["expiry"] for chain in answer["chains"]]
    assert all(chain["strikes"] for chain in answer["chains"])
    assert manager.end(signal.SIGINT) == 0, manager.output
    assert [name for name, identity in ran.items() if identity.alive] == []
    assert "Traceback" not in manager.output
    file = (manager.state.parent / "logs" / "app.log").read_text()
    lines = [json.loads(text) for text in file.splitlines()]
    assert {ran[name].pid for name in ("ingest", "orders", "worker", "beat", "web")} & {line["pid"] for line in lines}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_without_a_recording_a_simulated_chain_is_answered_on_any_day(simulating: Manager) -> None:
    assert wait_until(lambda: "Ctrl-C ends it" in simulating.output, seconds=180), simulating.output
    ran = simulating.children()
    assert set(ran) == {"manager", "postgres", "redis", "simulator", "ingest", "orders", "worker", "beat", "web"}
    line = next(text for text in simulating.output.splitlines() if text.startswith("curl "))

    def is_quoted() -> bool:
        answer = json.loads(subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout)
        if "chains" not in answer:  # nothing is known yet
            return False
        chain = answer["chains"][0]
        sides = [row[side] for row in chain["strikes"] for side in ("call", "put") if side in row]
        return bool(chain["spot_used"]) and sum(side["delta"] is not None for side in sides) > 60

    # The line signs in each time, and that may be tried ten times a minute.
    assert wait_until(is_quoted, seconds=50, pause=6.0)
    assert simulating.end(signal.SIGINT) == 0, simulating.output
    assert [name for name, identity in ran.items() if identity.alive] == []
    assert "Traceback" not in simulating.output


def test_a_junk_setting_is_named_and_ends_the_start(state_folder: Path) -> None:
    variables = {"TRADINGVIZ_STATE": str(state_folder), "PORT": str(free_port()), "TICK_SHARD": "many"}
    finished = subprocess.run(
        [sys.executable, "-m", "tradingviz.quickstart", "run"],
        cwd=ROOT,
        env=without_user_settings() | variables | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "TICK_SHARD='many'" in finished.stderr
    assert not (state_folder / "pids.json").exists()
