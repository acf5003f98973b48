"""What can be known to fail before anything is started: one clear line each."""

import os
import re
import shutil
import socket
from pathlib import Path

from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.processes import start_time

LOOPBACK = "127.0.0.1"
SIMULATOR_PORT = 8080
NEEDED_MEGABYTES = 500


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None) -> int:
    """A free port of the loopback address: the preferred one when it is free."""
    if preferred is not None and port_is_free(preferred):
        return preferred
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def web_port(text: str) -> int:
    """The port in a text, 1 to 65535. Raises QuickstartError."""
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise QuickstartError(f"PORT={text!r} is not a port number")
    return int(text)


def simulator_port(named: str | None) -> int:
    """The port for the simulator: the one which the user named, else 8080 or another. Raises QuickstartError."""
    if named is None:
        return free_port(SIMULATOR_PORT)
    if not re.fullmatch(r"\d{1,5}", named) or not 1 <= int(named) <= 65535:
        raise QuickstartError(f"SIMULATOR_PORT={named!r} is not a port number")
    if not port_is_free(int(named)):
        raise QuickstartError(f"SIMULATOR_PORT={named} is in use by another program: name another, or none")
    return int(named)


def require_proc() -> None:
    """Raise QuickstartError where processes cannot be told apart, as in a bare chroot."""
    if start_time(os.getpid()) is None:
        raise QuickstartError("/proc is not there: mount -t proc proc /proc")


def require_free_port(port: int) -> None:
    """Raise QuickstartError when something listens on the port already."""
    if not port_is_free(port):
        raise QuickstartError(
            f"port {port} is in use by another program: stop it, or choose another with PORT=<number>"
        )


def require_disk_space(folder: Path, megabytes: int = NEEDED_MEGABYTES) -> None:
    """Raise QuickstartError when the disk of a folder is nearly full."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise QuickstartError(f"only {free} MB are free on the disk of {folder}: {megabytes} MB are needed")


def recording(text: str) -> Path:
    """The recorded file or folder to replay, as an absolute path. Raises QuickstartError."""
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise QuickstartError(f"REPLAY={text}: there is no such file or folder")
    needed = os.R_OK | os.X_OK if path.is_dir() else os.R_OK
    if not os.access(path, needed):
        raise QuickstartError(f"REPLAY={text}: it may not be read")
    return path


def speed(text: str) -> str:
    """How fast to replay: `max`, or recorded seconds per second (positive). Raises QuickstartError."""
    if text != "max" and not (re.fullmatch(r"\d+(\.\d+)?", text) and float(text) > 0):
        raise QuickstartError(f"SPEED={text!r} is neither `max` nor a positive number")
    return text
