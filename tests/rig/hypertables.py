"""Which named queries a run asked, where it has to ask all that stand on hypertables (TOUCH_EVERY_HYPERTABLE_QUERY)."""

import os
import re
from pathlib import Path

import pytest

from tradingviz.core import sql

REPOSITORY = Path(__file__).resolve().parents[2]
_MADE = re.compile(r"make_hypertable\('(\w+)'")
_asked: set[Path] = set()


def pytest_configure() -> None:
    """Note the queries this process loads: each is loaded when it is first asked."""
    if not os.environ.get("TOUCH_EVERY_HYPERTABLE_QUERY"):
        return
    load = sql.load_query

    def noted(path: Path) -> str:
        _asked.add(path)
        return load(path)

    sql.load_query = noted  # type: ignore[assignment]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that left one out: its selection of tests has to grow."""
    if not os.environ.get("TOUCH_EVERY_HYPERTABLE_QUERY"):
        return
    if left_out := sorted(path.relative_to(REPOSITORY).as_posix() for path in on_hypertables() - _asked):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\nno test of this run asked, though they stand on hypertables:", *left_out, sep="\n  ")


def on_hypertables() -> frozenset[Path]:
    """Return the named queries of all apps that name a hypertable."""
    scripts = (path.read_text(encoding="utf-8") for path in REPOSITORY.glob("*/migrations/sql/*.up.sql"))
    names = "|".join(name for script in scripts for name in _MADE.findall(script))
    named = re.compile(rf"\b({names})\b")
    queries = REPOSITORY.glob("*/queries/*.sql")
    return frozenset(path for path in queries if named.search(path.read_text(encoding="utf-8")))
