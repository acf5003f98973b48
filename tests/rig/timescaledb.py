"""A real TimescaleDB for one run: PostgreSQL 17 in a chroot into a root made by ops/timescaledb-root."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

import psycopg

from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.processes import Account, end_child, has_exited, spawn, wait_until

DEFAULT_ROOT = Path("/var/cache/tradingviz/trixie")
PROGRAMS = "/usr/lib/postgresql/17"
START_SECONDS = STOP_SECONDS = 60.0
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # No background workers: one connected to a database would forbid to copy or drop it.
    "timescaledb.max_background_workers": "0",
    # The root's /dev/shm is a plain folder.
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "timezone": "UTC",
    "jit": "off",
}


class Unavailable(Exception):
    """No real TimescaleDB can be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One cluster below the root's /tmp; `folder` is its path outside, `inside` the one in the chroot."""

    root: Path
    folder: Path
    port: int
    password: str

    @property
    def inside(self) -> str:
        return f"/{self.folder.relative_to(self.root)}"

    @property
    def url(self) -> str:
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"


def root_folder() -> Path:
    """Return the provisioned root ($TIMESCALEDB_ROOT or the default); raise Unavailable without one."""
    root = Path(os.environ.get("TIMESCALEDB_ROOT") or DEFAULT_ROOT)
    if not (root / PROGRAMS.lstrip("/") / "lib/timescaledb.so").exists():
        raise Unavailable(f"no TimescaleDB root in {root} (made by: ops/timescaledb-root, as root)")
    if os.geteuid() != 0:
        raise Unavailable(f"{root} can be used by root only; set TIMESCALEDB_URL instead")
    return root


@contextmanager
def running_server(root: Path) -> Iterator[str]:
    """Start a fresh server, give its URL, stop and remove it. Call it from the main thread."""
    with new_cluster(root) as server, serving(server, SETTINGS):
        yield server.url


@contextmanager
def new_cluster(root: Path) -> Iterator[Server]:
    """Make an empty cluster, not yet served; remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tradingviz-test-", dir=root / "tmp"))
    server = Server(root, folder, free_port(), secrets.token_urlsafe(16))
    try:
        account = postgres_account(root)
        os.chown(folder, account.uid, account.gid)
        _make_cluster(server)
        yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def postgres_account(root: Path) -> Account:
    """Return the account which the root's own packages made for PostgreSQL."""
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == "postgres":
            return Account(int(uid), int(gid))
    raise Unavailable(f"{root} has no user postgres")


def _command(server: Server, program: str, *arguments: str) -> list[str]:
    # A change of user clears the signal that spawn() asked for on the parent's death: setpriv asks again.
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"]
    path = f"{PROGRAMS}/bin/{program}"
    return ["/usr/sbin/chroot", str(server.root), *become, path, "-D", f"{server.inside}/data", *arguments]


def _make_cluster(server: Server) -> None:
    password = server.folder / "password"
    password.write_text(server.password, encoding="utf-8")
    options = ("-U", "postgres", "--auth=scram-sha-256", f"--pwfile={server.inside}/password")
    command = _command(server, "initdb", *options, "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8")
    done = subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"initdb failed in {server.root}: {done.stderr.strip()}")


@contextmanager
def serving(server: Server, settings: Mapping[str, str]) -> Iterator[None]:
    """Run a cluster's server with these settings; call it from the main thread."""
    options = [part for name, value in (*settings.items(), ("port", server.port)) for part in ("-c", f"{name}={value}")]
    child = spawn(
        _command(server, "postgres", *options),
        log=server.log,
        environment=ENVIRONMENT,
        cwd=Path("/"),
        death_signal=SIGINT,
    )
    try:
        wait_until(lambda: has_exited(child) or _answers(server), seconds=START_SECONDS, pause=0.05)
        if not _answers(server):
            raise Unavailable(f"PostgreSQL did not start in {server.root}: {server.log.read_text()[-500:]}")
        yield
    finally:
        end_child(child, polite=SIGINT, seconds=STOP_SECONDS)


def _answers(server: Server) -> bool:
    try:
        psycopg.connect(server.url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
