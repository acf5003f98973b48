"""A log file that several processes share and rotate.

Python's RotatingFileHandler loses lines here: each process renames what another one still writes to. A file per
process would make a reader look into five, and WatchedFileHandler needs a logrotate that the embedded start has not.
So: every line is one write(2) to a file opened with O_APPEND, which the kernel never mixes with others'; who finds the
file too large renames it while holding a lock; who finds another file under its name opens that one. A line that was on
its way to the old file meanwhile is in `.1`: none is lost.
"""

import fcntl
import logging
import os
from pathlib import Path

MAX_BYTES = 20 << 20
KEPT = 5
_PRIVATE = 0o600


class SharedRotatingFileHandler(logging.Handler):
    """Append lines to a file; at `max_bytes` it becomes `.1`, that `.2`, and so on to `.kept`."""

    def __init__(self, filename: str, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        super().__init__()
        self._path = Path(filename)
        self._max_bytes = max_bytes
        self._kept = kept
        self._file = -1
        self._inode = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; as every handler, report what goes wrong on stderr and go on."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            os.write(self._current(), line)
        except Exception:  # noqa: BLE001 - what the logging module asks of a handler
            self.handleError(record)

    def close(self) -> None:
        """Let go of the file."""
        self.acquire()
        try:
            self._release()
        finally:
            self.release()
        super().close()

    def _current(self) -> int:
        """Return the open file, after having rotated it or followed somebody else's rotation."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, on every line
        except FileNotFoundError:
            return self._open()
        if found.st_size >= self._max_bytes:
            self._rotate()
            return self._open()
        return self._file if found.st_ino == self._inode and self._file >= 0 else self._open()

    def _open(self) -> int:
        self._release()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        self._inode = os.fstat(self._file).st_ino
        return self._file

    def _release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _rotate(self) -> None:
        lock = os.open(self._numbered("lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._size() >= self._max_bytes:  # nobody was faster
                self._shift()
        finally:
            os.close(lock)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _shift(self) -> None:
        for number in range(self._kept - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, end: int | str) -> Path:
        return self._path.with_name(f"{self._path.name}.{end}")
