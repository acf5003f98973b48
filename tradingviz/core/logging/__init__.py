"""Structured logs: one JSON object a line, with the ids of what is being done, and without secrets.

The formatter is the only place that scrubs: whatever is logged, by us or by a library, passes through it.
"""

import logging
import threading
from datetime import UTC, datetime

from tradingviz.core import json
from tradingviz.core.logging.context import bound
from tradingviz.core.logging.scrub import scrub, scrubbed

_RENDERED = "rendered_line"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", _RENDERED}


class JsonFormatter(logging.Formatter):
    """Render a record as JSON: time, level, logger, pid, message, bound ids, whatever `extra` brought, traceback.

    Once, however many handlers ask: stdout and the file get the same line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        attributes = vars(record)
        if _RENDERED not in attributes:
            attributes[_RENDERED] = self._render(record)
        return str(attributes[_RENDERED])

    def _render(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": scrub(_message(record)),
            **bound(),
        }
        line.update({name: scrubbed(name, value) for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            line["exception"] = scrub(self.formatException(record.exc_info))
        if record.stack_info:
            line["stack"] = scrub(record.stack_info)
        try:
            return json.encode(line).decode()
        except (TypeError, ValueError, OverflowError):  # half a surrogate pair, a number beyond 64 bits
            return json.encode({name: _encodable(value) for name, value in line.items()}).decode()


def _message(record: logging.LogRecord) -> str:
    """Return the message. Arguments that do not fit are not left to logging, which would print them as they are."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def _encodable(value: object) -> str:
    return str(value).encode(errors="backslashreplace").decode()


class OncePerKind:
    """Log the first event of each kind as a warning and only count the rest; `usual` kinds are only counted."""

    def __init__(self, logger: logging.Logger, *, usual: frozenset[str] = frozenset()) -> None:
        self._logger = logger
        self._usual = usual
        self._lock = threading.Lock()
        self.counts: dict[str, int] = {}

    def add(self, kind: str, count: int = 1, **details: object) -> None:
        """Count `count` events; log where the kind is new."""
        if count <= 0:
            return
        with self._lock:
            first = kind not in self.counts and kind not in self._usual
            self.counts[kind] = self.counts.get(kind, 0) + count
        if first:
            self._logger.warning("%s (further ones are only counted)", kind, extra={"kind": kind, **details})
