"""`check --database default`: whether the server has the connections that one process's pool may ask for."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection

from tests.rig.data import REPOSITORY

pytestmark = pytest.mark.usefixtures("db")


def free_connections() -> int:
    """Return how many connections the server gives to everybody."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        most = int(cursor.fetchone()[0])
        cursor.execute("SHOW superuser_reserved_connections")
        return most - int(cursor.fetchone()[0])


def ids(monkeypatch: pytest.MonkeyPatch, pool: Any, *, databases: tuple[str, ...] = ("default",)) -> list[str]:
    """Return what the checks of the database say of a pool."""
    options = {**connection.settings_dict["OPTIONS"], "pool": pool}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    messages = run_checks(tags=["database"], databases=databases)
    return [str(message.id) for message in messages if str(message.id).startswith("tradingviz.")]


def test_a_pool_that_the_server_cannot_fill_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, {"min_size": 1, "max_size": free_connections() + 1}) == ["tradingviz.E008"]


def test_a_pool_that_just_fits_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, {"min_size": 1, "max_size": free_connections()}) == []


def test_without_a_pool_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, False) == []


def test_a_database_that_was_not_named_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(monkeypatch, {"max_size": 10_000}, databases=()) == []


@pytest.mark.parametrize(("size", "code"), [("8", 0), ("200", 1)])
def test_the_command_refuses_a_pool_that_is_too_large(server_environment: dict[str, str], size: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"],
        cwd=REPOSITORY,
        env={**os.environ, **server_environment, "DB_POOL_SIZE": size},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "tradingviz.E008" in done.stderr) == (code, bool(code)), done.stderr
