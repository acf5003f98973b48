"""What the person at the terminal sees; the log files have everything."""

import contextlib
import json
import os
import re
import sys
from datetime import datetime
from pathlib import Path

_LOUD = re.compile(r"\b(WARNING|WARN|ERROR|CRITICAL|FATAL|PANIC)\b|^Traceback")
_LOUD_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
_LINES_AT_ONCE = 20
_LOG_BYTES = 20_000_000


class Console:
    """Prints lines with the time and who speaks. With `verbose`, every line of the children."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose

    def say(self, text: str) -> None:
        """A line of the manager's own."""
        self.line("run", text)

    def line(self, name: str, text: str) -> None:
        """A line of one of the processes."""
        self.block(f"{datetime.now().astimezone():%H:%M:%S} {name:<8} | {text}")

    def block(self, text: str) -> None:
        """Several lines as they are. A terminal which went away is no reason to end: the logs go on."""
        try:
            print(text, flush=True)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LogView:
    """Follows one child's log file and shows its warnings and errors (or everything)."""

    def __init__(self, name: str, path: Path, console: Console) -> None:
        self._name = name
        self._path = path
        self._console = console
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._in_traceback = False
        self.spoke = False  # whether anything was shown; whoever starts the process again resets it

    def follow(self) -> None:
        """Show what was written since the last call."""
        texts = [text for line in self._new_lines() if (text := self._shown(line)) is not None]
        lines = [line for text in texts for line in text.split("\n")]
        self.spoke = self.spoke or bool(lines)
        hidden = 0 if self._console.verbose else max(0, len(lines) - _LINES_AT_ONCE)
        if hidden:
            self._console.line(self._name, f"… {hidden} more lines in {self._path}")
        for line in lines[hidden:]:  # the last line of a traceback says most
            self._console.line(self._name, line)

    def _new_lines(self) -> list[str]:
        with self._path.open("rb") as file:
            file.seek(self._position)
            fresh = file.read(4_000_000)
        self._position += len(fresh)
        self._start_over_when_large()
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def _start_over_when_large(self) -> None:
        """Children append, so a log can be cut while they write."""
        if self._position > _LOG_BYTES:
            with self._path.open("rb+") as file:
                file.truncate(0)
            self._position = 0

    def _shown(self, line: str) -> str | None:
        level, text = readable(line)
        if level is not None:
            self._in_traceback = False
            return text if self._console.verbose or level in _LOUD_LEVELS else None
        loud = self._in_traceback or bool(_LOUD.search(line))  # the line after the frames names the error
        self._in_traceback = line.startswith("Traceback") or (self._in_traceback and line.startswith(" "))
        return text if self._console.verbose or loud else None


def readable(line: str) -> tuple[str | None, str]:
    """Level and text of a line of JSON logs; another line comes back as it is, without a level."""
    try:
        record = json.loads(line) if line.startswith("{") else None
    except ValueError:
        record = None
    if not isinstance(record, dict) or "level" not in record:
        return None, line
    level, message = str(record.get("level")), str(record.get("message", ""))
    known = {"time", "level", "logger", "pid", "message", "exception"}
    extra = " ".join(f"{name}={value}" for name, value in record.items() if name not in known)
    parts = [f"{level} {record.get('logger', '')}: {message}", extra and f" ({extra})", _indented(record)]
    return level, "".join(part for part in parts if part)


def _indented(record: dict[str, object]) -> str:
    exception = str(record.get("exception") or "")
    return "".join(f"\n    {line}" for line in exception.splitlines())


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, indented, for a report of what went wrong."""
    with contextlib.suppress(OSError):
        lines = path.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(f"    {readable(line)[1]}" for line in lines)
    return ""
