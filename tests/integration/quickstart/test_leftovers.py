"""What the next start ends, and above all what it leaves alone."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradingviz.quickstart.pidfile import PidFile, leftovers
from tradingviz.quickstart.processes import RUN_MARKER, group_members, wait_until

RUN = "0123456789abcdef"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pids.json"


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a shell script in a group of its own, with the mark of a run unless told otherwise."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(script: str = "exec sleep 1000", run: str = RUN) -> subprocess.Popen[bytes]:
        environment = {**os.environ, RUN_MARKER: run}
        started.append(subprocess.Popen(["sh", "-c", script], start_new_session=True, env=environment))
        return started[-1]

    yield begin
    for child in started:
        for pid in [*group_members(child.pid)]:
            os.kill(pid, signal.SIGKILL)
        child.wait()


def write(path: Path, child: subprocess.Popen[bytes], *, server: bool = False) -> None:
    PidFile(path, RUN).add("worker", child.pid, stop_signal=signal.SIGTERM, server=server)


def change(path: Path, **entry: object) -> None:
    record = json.loads(path.read_text())
    record["processes"][0].update(entry)
    path.write_text(json.dumps(record))


def ended(path: Path) -> list[str]:
    said: list[str] = []
    leftovers(path).end(said.append)
    return said


def has_child(child: subprocess.Popen[bytes]) -> bool:
    return len(list(group_members(child.pid))) == 2


def test_a_process_of_an_earlier_run_is_ended(path: Path, start: Start) -> None:
    child = start()
    write(path, child)
    assert ended(path) == [f"ending worker (pid {child.pid}) of an earlier run"]
    assert child.wait(timeout=5) == -signal.SIGTERM


def test_a_reused_pid_is_left_alone(path: Path, start: Start) -> None:
    stranger = start(run="another")
    write(path, stranger)
    change(path, started=json.loads(path.read_text())["processes"][0]["started"] - 1)
    assert ended(path) == []
    assert stranger.poll() is None


def test_pids_of_another_boot_mean_nothing(path: Path, start: Start) -> None:
    child = start()
    write(path, child)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"boot": "another"}))
    assert ended(path) == []
    assert child.poll() is None


def test_a_pid_file_copied_with_its_folder_ends_nothing_of_the_original(
    path: Path, start: Start, tmp_path: Path
) -> None:
    child = start()
    write(path, child)
    copy = tmp_path / "copy" / "pids.json"
    copy.parent.mkdir()
    copy.write_text(path.read_text())
    assert ended(copy) == []
    assert child.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"processes": [{}]}', '{"processes": 5}', "null"])
def test_a_broken_pid_file_ends_nothing(path: Path, text: str) -> None:
    path.write_text(text)
    assert ended(path) == []


def test_grandchildren_are_ended_when_their_parent_is_dead_already(path: Path, start: Start) -> None:
    child = start("sleep 1000 & sleep 1000")
    write(path, child)
    assert wait_until(lambda: len(list(group_members(child.pid))) == 3, seconds=5)
    child.kill()
    child.wait()
    assert has_child(child)
    ended(path)
    assert wait_until(lambda: not list(group_members(child.pid)), seconds=5)


def test_a_strangers_group_under_an_old_number_is_left_alone(path: Path, start: Start) -> None:
    stranger = start("sleep 1000 & sleep 1000 & wait", run="another")
    write(path, stranger)
    change(path, started=1)
    assert wait_until(lambda: len(list(group_members(stranger.pid))) == 3, seconds=5)
    assert ended(path) == []
    assert len(list(group_members(stranger.pid))) == 3


def test_a_process_which_ignores_the_signal_is_killed(
    path: Path, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tradingviz.quickstart.pidfile._APP_SECONDS", 0.3)
    ready = tmp_path / "deaf"
    child = start(f"trap '' TERM; touch {ready}; while true; do sleep 0.1; done")
    assert wait_until(ready.exists, seconds=5)
    write(path, child)
    ended(path)
    assert child.wait(timeout=5) == -signal.SIGKILL


def test_servers_are_ended_after_the_applications_and_in_reverse(path: Path, start: Start) -> None:
    pids = PidFile(path, RUN)
    for name, server in (("postgres", True), ("redis", True), ("ingest", False), ("web", False)):
        pids.add(name, start().pid, stop_signal=signal.SIGTERM, server=server)
    assert [line.split()[1] for line in ended(path)] == ["web", "ingest", "redis", "postgres"]


def test_a_process_started_again_keeps_its_place_in_the_order(path: Path, start: Start) -> None:
    pids = PidFile(path, RUN)
    for name in ("postgres", "redis", "postgres"):
        pids.add(name, start().pid, stop_signal=signal.SIGTERM, server=True)
    assert [entry.name for entry in leftovers(path).entries] == ["postgres", "redis"]


def test_only_the_owner_reads_the_pid_file(path: Path, start: Start) -> None:
    write(path, start())
    assert path.stat().st_mode & 0o777 == 0o600
