"""The supervisor with small real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradingviz.quickstart import supervisor as module
from tradingviz.quickstart.console import Console
from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.pidfile import PidFile, leftovers
from tradingviz.quickstart.processes import Identity, group_members, identify, spawn, wait_until
from tradingviz.quickstart.supervisor import Interrupted, Process, Supervisor


@pytest.fixture
def pids_path(tmp_path: Path) -> Path:
    return tmp_path / "pids.json"


@pytest.fixture
def supervisor(tmp_path: Path, pids_path: Path) -> Iterator[Supervisor]:
    found = make_supervisor(tmp_path, pids_path)
    yield found
    found.stop()


def make_supervisor(folder: Path, pids: Path, *, stop: bool = False, patient: bool = False) -> Supervisor:
    return Supervisor(
        pids=PidFile(pids, "run"),
        logs=folder,
        cwd=folder,
        environment={"PATH": os.environ["PATH"]},
        console=Console(),
        stop_requested=lambda: stop,
        patient=patient,
    )


def shell(name: str, script: str, *, finishes: bool = False, reloads: bool = False) -> Process:
    return Process(name, ("sh", "-c", script), finishes=finishes, reloads=reloads)


def running(pids: Path, name: str) -> Identity | None:
    found = [entry.identity for entry in leftovers(pids).entries if entry.name == name]
    return found[0] if found and found[0].alive else None


def tick_until(supervisor: Supervisor, condition: Callable[[], object], seconds: float = 20) -> None:
    def step() -> bool:
        supervisor.tick()
        return bool(condition())

    assert wait_until(step, seconds=seconds)


def test_a_killed_process_is_started_again(supervisor: Supervisor, pids_path: Path) -> None:
    supervisor.start(shell("ingest", "sleep 1000"))
    first = running(pids_path, "ingest")
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    tick_until(supervisor, lambda: running(pids_path, "ingest") not in (None, first))


def test_a_process_which_always_fails_is_given_up(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tradingviz.quickstart.backoff.LONGEST_PAUSE", 0.01)
    supervisor.start(shell("worker", "echo no broker; exit 3"))
    with pytest.raises(QuickstartError, match="worker failed 7 times in a row"):
        tick_until(supervisor, lambda: False)
    assert capsys.readouterr().out.count("    no broker") >= 7


def test_in_development_it_waits_for_a_change_of_the_code_instead(
    tmp_path: Path, pids_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tradingviz.quickstart.backoff.LONGEST_PAUSE", 0.01)
    patient = make_supervisor(tmp_path, pids_path, patient=True)
    broken = tmp_path / "broken"
    broken.touch()
    patient.start(shell("web", f"test ! -e {broken} && sleep 1000", reloads=True))
    output: list[str] = []

    def waits() -> bool:
        output.append(capsys.readouterr().out)
        return "waiting for a change of the code" in "".join(output)

    tick_until(patient, waits)
    broken.unlink()
    patient.reload()
    assert running(pids_path, "web") is not None
    patient.stop()


def test_a_reload_replaces_only_what_runs_the_code(supervisor: Supervisor, pids_path: Path) -> None:
    supervisor.start(shell("web", "sleep 1000", reloads=True))
    supervisor.start(shell("replay", "sleep 1000", finishes=True))
    before = {name: running(pids_path, name) for name in ("web", "replay")}
    supervisor.reload()
    assert running(pids_path, "web") not in (None, before["web"])
    assert running(pids_path, "replay") == before["replay"]


def test_a_feed_which_ends_is_reported_with_its_last_words_and_not_started_again(
    supervisor: Supervisor, pids_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.start(shell("replay", "echo 5 ticks; exit 0", finishes=True))
    tick_until(supervisor, lambda: not leftovers(pids_path).entries)
    output = capsys.readouterr().out
    assert "finished" in output
    assert "    5 ticks" in output


def test_steps_run_side_by_side(supervisor: Supervisor, tmp_path: Path) -> None:
    first = shell("migrate", "touch one; while [ ! -e two ]; do sleep 0.05; done")
    second = shell("warm", "touch two; while [ ! -e one ]; do sleep 0.05; done")
    supervisor.run_to_end([first, second])
    assert (tmp_path / "one").exists()


def test_a_failing_step_ends_the_start_with_its_last_words(supervisor: Supervisor) -> None:
    with pytest.raises(QuickstartError, match="migrate failed: DB_NAME is junk"):
        supervisor.run_to_end([shell("migrate", "echo frames; echo DB_NAME is junk; exit 4")])


def test_a_failing_step_without_words_is_told_by_its_exit_code(supervisor: Supervisor) -> None:
    with pytest.raises(QuickstartError, match="migrate failed: exit code 4"):
        supervisor.run_to_end([shell("migrate", "exit 4")])


def test_a_signal_during_a_step_interrupts_it(tmp_path: Path, pids_path: Path) -> None:
    stopped = make_supervisor(tmp_path, pids_path, stop=True)
    with pytest.raises(Interrupted):
        stopped.run_to_end([shell("migrate", "sleep 1000")])
    step = running(pids_path, "migrate")
    assert step is not None
    stopped.stop()
    assert not step.alive


def test_stopping_ends_grandchildren_which_outlive_their_parent(supervisor: Supervisor, pids_path: Path) -> None:
    supervisor.start(shell("worker", "sleep 1000 & sleep 1000 & wait"))
    leader = running(pids_path, "worker")
    assert leader is not None
    assert wait_until(lambda: len(list(group_members(leader.pid))) == 3, seconds=5)
    supervisor.stop()
    assert wait_until(lambda: not list(group_members(leader.pid)), seconds=5)


def test_grandchildren_of_a_crashed_process_are_ended_before_it_starts_again(
    supervisor: Supervisor, pids_path: Path
) -> None:
    supervisor.start(shell("worker", "sleep 1000 & sleep 1000 & wait"))
    leader = running(pids_path, "worker")
    assert leader is not None
    assert wait_until(lambda: len(list(group_members(leader.pid))) == 3, seconds=5)
    os.kill(leader.pid, signal.SIGKILL)
    tick_until(supervisor, lambda: not list(group_members(leader.pid)))


def test_a_process_which_ignores_the_polite_signal_is_killed(
    supervisor: Supervisor, pids_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.5)
    supervisor.start(shell("web", "trap '' TERM; touch deaf; while true; do sleep 0.1; done"))
    assert wait_until((tmp_path / "deaf").exists, seconds=5)
    leader = running(pids_path, "web")
    assert leader is not None
    began = time.monotonic()
    supervisor.stop()
    assert not leader.alive
    assert time.monotonic() - began < 5


def test_the_log_of_the_last_start_is_kept(supervisor: Supervisor, tmp_path: Path) -> None:
    for words in ("first", "second"):
        supervisor.run_to_end([shell("migrate", f"echo {words}")])
    assert (tmp_path / "migrate.log").read_text() == "second\n"
    assert (tmp_path / "migrate.log.1").read_text() == "first\n"


PARENT = """
import os, subprocess, sys, time
from pathlib import Path
from tradingviz.quickstart.processes import spawn
child = spawn(["sleep", "1000"], log=Path("/dev/null"), environment=os.environ, cwd=Path("/"))
print(child.pid, flush=True)
time.sleep(1000)
"""


def test_a_child_ends_when_its_manager_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = identify(int(parent.stdout.readline()))
        assert child is not None
        parent.kill()
    assert wait_until(lambda: not child.alive, seconds=10)


def test_a_child_leads_a_group_of_its_own(tmp_path: Path) -> None:
    child = spawn(["sleep", "1000"], log=tmp_path / "log", environment=os.environ, cwd=tmp_path)
    try:
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    finally:
        child.kill()
        child.wait()
