"""Empty databases on the run's server, in the place of Django's."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.plugin import DjangoDbBlocker

SCRATCH, UNTOUCHED = "tradingviz_migrations", "tradingviz_untouched"


@pytest.fixture(scope="session")
def scratch_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A database for all that goes up and down: its first way up is the longest, and is taken once."""
    with _database(SCRATCH, django_db_blocker):
        yield SCRATCH


@pytest.fixture(scope="module")
def scratch(scratch_database: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let everything go to the database of what goes up and down."""
    with _in(scratch_database, django_db_blocker):
        yield


@pytest.fixture
def untouched(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let everything go to a database in which nothing was ever migrated; drop it afterwards."""
    with _database(UNTOUCHED, django_db_blocker), _in(UNTOUCHED, django_db_blocker):
        yield


@pytest.fixture
def newest(scratch: None) -> None:
    """Begin with everything applied."""
    applied = MigrationRecorder(connection).applied_migrations()
    if not MigrationLoader(None).disk_migrations.keys() <= applied.keys():
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def _database(name: str, blocker: DjangoDbBlocker) -> Iterator[None]:
    with blocker.unblock():
        _execute(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    try:
        yield
    finally:
        with blocker.unblock():
            _execute(f"DROP DATABASE {name}")


@contextmanager
def _in(name: str, blocker: DjangoDbBlocker) -> Iterator[None]:
    held = connection.settings_dict["NAME"]
    with blocker.unblock():
        _use(name)
        try:
            yield
        finally:
            _use(held)


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _execute(*statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
