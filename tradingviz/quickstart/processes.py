"""Starting, recognising and ending processes. A process is a pid *and* its start time, never a name."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
RUN_MARKER = "TRADINGVIZ_RUN_ID"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    """An existing system account which a server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Identity:
    """A process for as long as it lives: a pid is used again, a pid with its start time is not.

    started  clock ticks since boot
    """

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        return start_time(self.pid) == self.started


def _stat_fields(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third (state) on; the second may hold blanks and brackets."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def start_time(pid: int) -> int | None:
    """Start of a process in clock ticks since boot; None when it is gone or only waits to be reaped."""
    fields = _stat_fields(pid)
    if not fields or fields[0] in "ZX":
        return None
    return int(fields[19])


def identify(pid: int) -> Identity | None:
    """A living process by its pid."""
    started = start_time(pid)
    return None if started is None else Identity(pid, started)


def boot_id() -> str:
    """Names this boot of the machine, start times of another mean nothing; empty where the kernel hides it."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def group_members(group: int) -> Iterator[int]:
    """Living processes of a process group."""
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        fields = _stat_fields(int(entry.name))
        if fields and fields[0] not in "ZX" and int(fields[2]) == group:
            yield int(entry.name)


def carries_marker(pid: int, run_id: str) -> bool:
    """Whether a process was started, directly or not, by the run of that id (it is in its environment)."""
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return f"{RUN_MARKER}={run_id}".encode() in environment.split(b"\0")


def _die_with_parent(death_signal: int, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent died before the line above took effect
            os._exit(1)

    return prepare


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    cwd: Path,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, output appended to `log`; it is told when this process dies.

    The death signal belongs to the *thread* which calls this: call it from the main thread.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            list(argv),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(environment),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=_die_with_parent(death_signal, os.getpid()),
        )


def has_exited(child: subprocess.Popen[bytes]) -> bool:
    """Whether a child of ours ended, without reaping it: until then its group number cannot be used again."""
    if child.returncode is not None:
        return True
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, child.pid, options) is not None


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Poll until the condition holds; False when it still does not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process which may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group which may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def reap(child: subprocess.Popen[bytes]) -> int:
    """End what a child left of its group, then reap it. Returns its exit code (negative: a signal)."""
    if child.returncode is None:
        signal_group(child.pid, signal.SIGKILL)
    return child.wait()


def end_child(child: subprocess.Popen[bytes], *, polite: signal.Signals, seconds: float) -> int:
    """Ask a child to end, kill its whole group when it does not within `seconds`, reap it."""
    if not has_exited(child):
        signal_process(child.pid, polite)
        wait_until(lambda: has_exited(child), seconds=seconds)
    return reap(child)
