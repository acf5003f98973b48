"""The folder which keeps everything of one embedded run: data, secrets, logs, and who is running."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.processes import Account

# The longest socket name is `.s.PGSQL.65535.lock`; the kernel takes 107 bytes for the whole path.
_SOCKET_PATH_BYTES = 107 - len("/.s.PGSQL.65535.lock")


@dataclass(frozen=True, slots=True)
class State:
    """Paths below the state folder. Use `open_state` to get one."""

    folder: Path

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def pids(self) -> Path:
        return self.folder / "pids.json"

    @property
    def environment(self) -> Path:
        return self.folder / "embedded.env"

    @property
    def facts(self) -> Path:
        return self.folder / "state.json"

    def fresh_counters(self) -> Path:
        """An empty folder in which the processes of one run add up what they count."""
        folder = self.folder / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one manager; the kernel lets go when the holder dies. Raises AlreadyRunning."""
        with (self.folder / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyRunning from error
            yield

    def recall(self) -> dict[str, str]:
        """Facts which an earlier start wrote down; empty when there are none."""
        try:
            found = json.loads(self.facts.read_text())
        except (OSError, ValueError):
            return {}
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def remember(self, **facts: str) -> None:
        write_privately(self.facts, json.dumps(self.recall() | facts, indent=2) + "\n")

    def socket_folder(self, account: Account | None) -> Path:
        """A short private folder for the Unix socket: the one an earlier start left, or a new one."""
        owner = account.uid if account else os.geteuid()
        known = self.recall().get("socket_folder")
        if known and _is_private(Path(known), owner):
            return Path(known)
        folder = Path(tempfile.mkdtemp(prefix="tradingviz-", dir=_short_folder(account)))
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        self.remember(socket_folder=str(folder))
        return folder

    def drop_socket_folder(self) -> None:
        """Remove the socket folder after PostgreSQL has ended."""
        known = self.recall().get("socket_folder")
        if known:
            shutil.rmtree(known, ignore_errors=True)


class AlreadyRunning(Exception):
    """Another manager holds the state folder."""


def open_state(folder: Path) -> State:
    """Make the folder (0700), or take one which only its owner can enter. Raises QuickstartError."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.stat()
    except OSError as error:
        raise QuickstartError(f"the state folder {folder} cannot be used: {error.strerror}") from error
    if facts.st_uid != os.geteuid():
        raise QuickstartError(f"the state folder {folder} belongs to another user: run as that user, or move it")
    if facts.st_mode & 0o077:
        raise QuickstartError(f"the state folder {folder} is open to other users: chmod 700 {folder}")
    state = State(folder)
    state.logs.mkdir(mode=0o700, exist_ok=True)
    return state


def write_privately(path: Path, text: str) -> None:
    """Replace a file (0600) at once: a reader sees the old text or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _short_folder(account: Account | None) -> Path:
    """The user's runtime folder when it is short enough; the account of root's servers cannot enter it."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")
    fits = len(os.fsencode(runtime / "tradingviz-12345678")) <= _SOCKET_PATH_BYTES
    usable = account is None and fits and runtime.is_dir() and os.access(runtime, os.W_OK | os.X_OK)
    return runtime if usable else Path("/tmp")


def _is_private(folder: Path, owner: int) -> bool:
    """Whether a folder is still the one we made: /tmp may have been cleaned and the name taken by another."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return facts.st_uid == owner and facts.st_mode & 0o777 == 0o700 and not folder.is_symlink()
