#!/usr/bin/env python3
"""Make `.venv` and install the pinned wheels of requirements/<name>.txt into it: `ops/bootstrap.py base|dev`.

Runs before anything is installed, so with the standard library alone; does nothing when all is in place. The
user's own pip settings (index, proxy) hold.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
OLDEST = (3, 11)
NEEDED_MEGABYTES = 1500
REPORT_SECONDS = 5.0


class BootstrapError(Exception):
    """The message is one line which says what to do."""


def main(arguments: list[str]) -> int:
    """Bring `.venv` up to date; returns the exit code."""
    name = arguments[0] if len(arguments) == 1 else ""
    requirements = ROOT / "requirements" / f"{name}.txt"
    if not requirements.is_file():
        say("usage: ops/bootstrap.py base|dev")
        return 2
    try:
        use_recent_python(arguments)
        bring_up_to_date(requirements)
    except BootstrapError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next start goes on")
        return 130
    return 0


def say(text: str) -> None:
    """A line for the person at the terminal."""
    sys.stderr.write(f"bootstrap: {text}\n")
    sys.stderr.flush()


def use_recent_python(arguments: list[str]) -> None:
    """Go on in a newer Python of this machine when this one is too old. Raises BootstrapError."""
    if sys.version_info >= OLDEST:
        return
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found, __file__, *arguments])
    raise BootstrapError(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")


def bring_up_to_date(requirements: Path) -> None:
    """Make the environment and install what changed; two starts at once wait for each other."""
    holder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        if not usable(VENV):
            make_environment()
        stamp = VENV / f".installed-{requirements.stem}"
        wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            install(requirements)
            stamp.write_text(wanted)
    except OSError as error:
        raise BootstrapError(f"{error.filename or VENV}: {error.strerror}") from error
    finally:
        os.close(holder)


def usable(venv: Path) -> bool:
    """Whether an environment's Python starts (a system upgrade may take it away) and is recent enough."""
    check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([venv / "bin/python", "-c", check], capture_output=True).returncode == 0
    except OSError:
        return False


def make_environment() -> None:
    """Make `.venv`; without ensurepip (Debian packs it apart) one without pip. Raises BootstrapError."""
    require_disk_space()
    say(f"making .venv with Python {sys.version.split()[0]}")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(command, capture_output=True).returncode == 0:
        return
    if not has_pip(sys.executable):
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise BootstrapError(f"neither ensurepip nor pip is there: apt-get install python{version}-venv")
    bare = subprocess.run([*command, "--without-pip"], capture_output=True, text=True)
    if bare.returncode != 0:
        raise BootstrapError(f"python3 -m venv failed: {last_line(bare.stderr + bare.stdout)}")


def has_pip(python: str | Path) -> bool:
    """Whether an interpreter has pip."""
    return subprocess.run([python, "-c", "import pip"], capture_output=True).returncode == 0


def require_disk_space() -> None:
    """Raise BootstrapError when the disk cannot hold the packages."""
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < NEEDED_MEGABYTES:
        raise BootstrapError(f"only {free} MB are free for {ROOT}: {NEEDED_MEGABYTES} MB are needed")


def install(requirements: Path) -> None:
    """Install wheels which match the pinned hashes and nothing else, and see that none lacks. Raises BootstrapError."""
    log = VENV / "pip.log"
    total = sum("==" in line and not line.startswith("#") for line in requirements.read_text().splitlines())
    say(f"installing the {total} pinned packages of {requirements.relative_to(ROOT)} (log: .venv/pip.log)")
    began = time.monotonic()
    with log.open("w") as output:
        pip = subprocess.Popen(pip_command(requirements), stdout=output, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        follow(pip, log, total)
    except BaseException:
        pip.terminate()
        raise
    finally:
        pip.wait()
    if pip.returncode != 0:
        raise BootstrapError(f"pip failed, see {log}:\n{failure(log)}")
    require_everything()
    say(f"installed in {time.monotonic() - began:.0f} s")


def require_everything() -> None:
    """Raise BootstrapError when a package needs one that is not pinned, or another version of it."""
    check = subprocess.run([*environments_pip(), "check"], capture_output=True, text=True)
    if check.returncode != 0:
        lines = "\n".join(f"    {line}" for line in check.stdout.splitlines())
        raise BootstrapError(f"the pins do not fit together (Python {sys.version.split()[0]}):\n{lines}")


def environments_pip() -> list[str]:
    """The environment's own pip, or the system's working on the environment."""
    python = str(VENV / "bin/python")
    own = [python, "-m", "pip"] if has_pip(python) else [sys.executable, "-m", "pip", "--python", python]
    return [*own, "--no-input", "--disable-pip-version-check"]


def pip_command(requirements: Path) -> list[str]:
    """What installs all that is pinned.

    Without looking for dependencies: all are pinned, and pip tries the newest release of one that another package
    asks for with an extra before it looks at the pins, which have no hash of that release."""
    exact = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    return [*environments_pip(), "install", *exact, "--progress-bar", "off", "-r", str(requirements)]


def follow(pip: subprocess.Popen[bytes], log: Path, total: int) -> None:
    """Say every few seconds how far pip is."""
    began = time.monotonic()
    while True:
        try:
            pip.wait(timeout=REPORT_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"{time.monotonic() - began:3.0f} s: {progress(log, total)}")
        else:
            return


def progress(log: Path, total: int) -> str:
    """What pip is doing, from its output."""
    lines = log.read_text(errors="replace").splitlines()
    if any(line.startswith("Installing collected packages") for line in lines):
        return "unpacking"
    return f"{sum(line.startswith('Collecting ') for line in lines)} of {total} found"


def failure(log: Path) -> str:
    """What a person needs of pip's output: its errors, or its end."""
    text = log.read_text(errors="replace")
    if "No space left on device" in text:
        return "    the disk is full"
    lines = text.splitlines()
    errors = [line for line in lines if line.startswith("ERROR")]
    return "\n".join(f"    {line}" for line in (errors or lines)[-12:])


def last_line(text: str) -> str:
    """The last line which says something."""
    return ([line for line in text.splitlines() if line.strip()] or ["no output"])[-1].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
