"""Marks set by what a test uses, and the counts that tests/run.py adds up over its runs."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import django.test
import pytest

DATABASE_FIXTURES = frozenset(
    {"db", "transactional_db", "django_db_setup", "live_server", "database_settings", "server_environment"}
)
REDIS_FIXTURES = frozenset({"redis_server", "redis_url", "server_environment"})
# What pytest's own summary calls an outcome, and the word we count it under.
OUTCOMES = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "xpassed": "failed",
    "skipped": "skipped",
    "xfailed": "skipped",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --counts-file."""
    parser.addoption("--counts-file", default=None, help="write the run's counts to this file, as JSON")


@pytest.hookimpl(tryfirst=True)  # before -m selects by these marks
def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that need a server by the fixtures they use."""
    without_timescaledb = pytest.mark.skip(reason="needs TimescaleDB: set TIMESCALEDB_URL, or run make test")
    for item in items:
        if _uses_database(item):
            item.add_marker("database")
        if "faults" in item.path.parts:
            item.add_marker("faults")
        if REDIS_FIXTURES & _fixtures(item):
            item.add_marker("redis")
        if item.get_closest_marker("timescaledb") and not os.environ.get("TIMESCALEDB_URL"):
            item.add_marker(without_timescaledb)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Write the counts where --counts-file says."""
    path = config.getoption("counts_file")
    if path is None:
        return
    counts = dict.fromkeys(OUTCOMES.values(), 0)
    for outcome, word in OUTCOMES.items():
        counts[word] += len(terminalreporter.stats.get(outcome, ()))
    Path(path).write_text(json.dumps(counts), encoding="utf-8")


def _fixtures(item: pytest.Item) -> frozenset[str]:
    return frozenset(getattr(item, "fixturenames", ()))


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("django_db") or DATABASE_FIXTURES & _fixtures(item):
        return True
    test_class = getattr(item, "cls", None)
    return isinstance(test_class, type) and issubclass(test_class, django.test.TransactionTestCase)
