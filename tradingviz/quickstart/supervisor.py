"""Starts the application's processes, follows their logs, starts them again when they fail, and ends them."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tradingviz.quickstart.backoff import Backoff
from tradingviz.quickstart.console import Console, LogView, last_lines
from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.pidfile import PidFile
from tradingviz.quickstart.processes import has_exited, reap, signal_process, spawn, wait_until

STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """One row of the process table.

    finishes  it ends by itself and is not started again; otherwise its end is a failure
    reloads   `make dev` starts it again when the code changes
    """

    name: str
    argv: tuple[str, ...]
    finishes: bool = False
    reloads: bool = False


@dataclass
class _Child:
    process: Process
    handle: subprocess.Popen[bytes]
    log: Path
    view: LogView
    since: float
    backoff: Backoff = field(default_factory=Backoff)
    restart_at: float | None = None


class Interrupted(Exception):
    """The user asked to stop while something was waited for."""


class Supervisor:
    """All methods are for the main thread; `tick` has to be called a few times a second.

    patient  a failing process waits for the next change of the code instead of ending everything (`make dev`)
    """

    def __init__(
        self,
        *,
        pids: PidFile,
        logs: Path,
        cwd: Path,
        environment: Mapping[str, str],
        console: Console,
        stop_requested: Callable[[], bool],
        patient: bool = False,
    ) -> None:
        self._pids = pids
        self._logs = logs
        self._cwd = cwd
        self._environment = environment
        self._console = console
        self._stop_requested = stop_requested
        self._patient = patient
        self._children: dict[str, _Child] = {}

    def start(self, process: Process) -> None:
        """Start a process in a group of its own, its log begun anew (the last one is kept as `.1`)."""
        log = self._logs / f"{process.name}.log"
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        log.touch(mode=0o600)
        view = LogView(process.name, log, self._console)
        self._children[process.name] = _Child(process, self._spawn(process, log), log, view, time.monotonic())

    def run_to_end(self, processes: Sequence[Process]) -> None:
        """Run processes side by side until all have ended well. Raises QuickstartError, Interrupted."""
        for process in processes:
            self.start(process)
        names = [process.name for process in processes]
        while pending := [self._children[name] for name in names if name in self._children]:
            self.pause()
            for child in pending:
                if self._console.verbose:
                    child.view.follow()
                if has_exited(child.handle):
                    self._finish_step(child)

    def tick(self) -> None:
        """Follow the logs, notice ends, start again what is due. Raises QuickstartError when it gives up."""
        for child in list(self._children.values()):
            child.view.follow()
            if child.restart_at is None:
                if has_exited(child.handle):
                    self._ended(child)
            elif time.monotonic() >= child.restart_at:
                self._restart(child)

    def reload(self) -> None:
        """Start the processes again which run the changed code."""
        for child in [child for child in self._children.values() if child.process.reloads]:
            self._end([child])
            child.backoff = Backoff()
            self._restart(child)

    def stop(self) -> None:
        """End all children together, politely for some seconds, then whatever is left of their groups."""
        self._end(list(self._children.values()))
        for name in list(self._children):
            self._pids.remove(name)
        self._children.clear()

    def pause(self) -> None:
        """Let some time pass. Raises Interrupted when the user asked to stop."""
        if self._stop_requested():
            raise Interrupted
        time.sleep(0.1)

    def _spawn(self, process: Process, log: Path) -> subprocess.Popen[bytes]:
        handle = spawn(process.argv, log=log, environment=self._environment, cwd=self._cwd)
        self._pids.add(process.name, handle.pid, stop_signal=signal.SIGTERM)
        return handle

    def _restart(self, child: _Child) -> None:
        child.handle = self._spawn(child.process, child.log)
        child.since = time.monotonic()
        child.restart_at = None
        child.view.spoke = False

    def _finish_step(self, child: _Child) -> None:
        code = reap(child.handle)
        name = child.process.name
        self._forget(name)
        if code != 0:
            reason = last_lines(child.log, 1).strip() or _how(code)
            raise QuickstartError(f"{name} failed: {reason} (log: {child.log})")

    def _ended(self, child: _Child) -> None:
        code = reap(child.handle)
        child.view.follow()
        if child.process.finishes:
            self._finished(child, code)
            return
        self._console.line(child.process.name, f"ended unexpectedly ({_how(code)}), see {child.log}")
        if not child.view.spoke:
            self._console.block(last_lines(child.log))
        delay = child.backoff.after(time.monotonic() - child.since)
        if delay is None and not self._patient:
            raise QuickstartError(
                f"{child.process.name} failed {child.backoff.failures} times in a row, see {child.log}"
            )
        if delay is None:
            delay = float("inf")
        self._console.line(child.process.name, _when(delay))
        child.restart_at = time.monotonic() + delay

    def _finished(self, child: _Child, code: int) -> None:
        name = child.process.name
        self._forget(name)
        self._console.line(name, "finished" if code == 0 else f"failed ({_how(code)})")
        self._console.block(last_lines(child.log, 3 if code == 0 else 15))

    def _forget(self, name: str) -> None:
        self._pids.remove(name)
        del self._children[name]

    def _end(self, children: list[_Child]) -> None:
        """Only the leaders are asked: a Celery worker lets its own children finish what they do."""
        running = [child for child in children if not has_exited(child.handle)]
        for child in running:
            signal_process(child.handle.pid, signal.SIGTERM)
        wait_until(lambda: all(has_exited(child.handle) for child in running), seconds=STOP_SECONDS)
        for child in children:
            reap(child.handle)
            child.view.follow()


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _when(delay: float) -> str:
    if delay == float("inf"):
        return "waiting for a change of the code"
    return f"starting again in {delay:.0f} s"
