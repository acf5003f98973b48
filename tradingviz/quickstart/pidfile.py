"""Who was started, so that the next start can end what a killed manager left behind."""

import json
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tradingviz.quickstart.processes import (
    Identity,
    boot_id,
    carries_marker,
    group_members,
    identify,
    signal_process,
    wait_until,
)
from tradingviz.quickstart.state import write_privately

MANAGER = "manager"
_APP_SECONDS = 10.0
_SERVER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One started process. It leads a session and group of its own: `group` equals `pid`."""

    name: str
    pid: int
    started: int
    group: int
    stop_signal: int
    server: bool

    @property
    def identity(self) -> Identity:
        return Identity(self.pid, self.started)


class PidFile:
    """The processes of one run in the order of their start, on disk after every change."""

    def __init__(self, path: Path, run_id: str) -> None:
        self._path = path
        self._run_id = run_id
        self._entries: dict[str, Entry] = {}

    def add(self, name: str, pid: int, *, stop_signal: signal.Signals, server: bool = False) -> None:
        """Write a process down; one of the same name keeps its place in the order."""
        identity = identify(pid)
        if identity is not None:  # else it has ended already
            self._entries[name] = Entry(name, pid, identity.started, pid, stop_signal, server)
            self._write()

    def remove(self, name: str) -> None:
        if self._entries.pop(name, None) is not None:
            self._write()

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        record = {
            "state": str(self._path.parent.resolve()),
            "boot": boot_id(),
            "run": self._run_id,
            "processes": [asdict(entry) for entry in self._entries.values()],
        }
        write_privately(self._path, json.dumps(record, indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a pid file says about a run on this machine since its last boot, on this very state folder."""

    run_id: str
    entries: tuple[Entry, ...]

    @property
    def manager(self) -> Identity | None:
        """The manager of that run while it lives."""
        found = [entry.identity for entry in self.entries if entry.name == MANAGER]
        return found[0] if found and found[0].alive else None

    def end(self, report: Callable[[str], None]) -> None:
        """End what still runs, applications first, servers last and one after the other."""
        children = [entry for entry in reversed(self.entries) if entry.name != MANAGER]
        self._end_together([entry for entry in children if not entry.server], _APP_SECONDS, report)
        for entry in children:
            if entry.server:
                self._end_together([entry], _SERVER_SECONDS, report)

    def _end_together(self, entries: list[Entry], seconds: float, report: Callable[[str], None]) -> None:
        alive = [entry for entry in entries if entry.identity.alive]
        for entry in alive:
            report(f"ending {entry.name} (pid {entry.pid}) of an earlier run")
            signal_process(entry.pid, signal.Signals(entry.stop_signal))
        wait_until(lambda: not any(entry.identity.alive for entry in alive), seconds=seconds)
        for entry in alive:
            if entry.identity.alive:
                signal_process(entry.pid, signal.SIGKILL)
        for entry in entries:
            self._end_strays(entry)

    def _end_strays(self, entry: Entry) -> None:
        """End what is left of a group; its number may be a stranger's by now, our mark decides."""
        for pid in group_members(entry.group):
            if carries_marker(pid, self.run_id):
                signal_process(pid, signal.SIGKILL)


def leftovers(path: Path) -> Leftovers:
    """Read a pid file; no process is ours when it is absent, broken, of another boot or of another folder."""
    try:
        record = json.loads(path.read_text())
        entries = tuple(Entry(**entry) for entry in record["processes"])
        ours = record["state"] == str(path.parent.resolve()) and record["boot"] == boot_id()
        return Leftovers(str(record["run"]), entries if ours else ())
    except (OSError, ValueError, TypeError, KeyError):
        return Leftovers("", ())
