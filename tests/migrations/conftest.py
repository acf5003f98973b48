"""An empty database of a module's own, on the run's server, in the place of Django's."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

SCRATCH = "tradingviz_migrations"


@pytest.fixture(scope="module")
def scratch(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let everything go to a database in which nothing was ever migrated; drop it afterwards."""
    held = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        _execute(f"DROP DATABASE IF EXISTS {SCRATCH}", f"CREATE DATABASE {SCRATCH}")
        _use(SCRATCH)
        try:
            yield
        finally:
            _use(held)
            _execute(f"DROP DATABASE {SCRATCH}")


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def _execute(*statements: str) -> None:
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
