"""Structured logs: one JSON object a line."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tradingviz.core import json

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Render a record as JSON: time, level, logger, message, whatever `extra` brought, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({k: _loggable(v) for k, v in vars(record).items() if k not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.encode(line).decode()


def _loggable(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)


@contextmanager
def bind(**ids: object) -> Iterator[None]:
    """TEMP"""
    yield


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
