"""A role that may not create the extension is told, in one line, who may."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

import fo_analytics.migrations
from tradingviz.core.sql import read_script

SCRIPT = Path(fo_analytics.migrations.__file__).parent / "sql" / "0002_hypertables.up.sql"
ROLE = "may_do_little"

pytestmark = pytest.mark.timescaledb


@pytest.fixture
def little(untouched: None) -> Iterator[CursorWrapper]:
    """A cursor of a role that may use the database, and no more."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE}")
        cursor.execute(f"SET ROLE {ROLE}")
        yield cursor
        cursor.execute("RESET ROLE")
        cursor.execute(f"DROP ROLE {ROLE}")


def test_a_role_that_may_not_create_the_extension_is_told_who_may(little: CursorWrapper) -> None:
    with pytest.raises(DatabaseError) as failure:
        little.execute(read_script(SCRIPT))
    cause = failure.value.__cause__
    assert isinstance(cause, psycopg.Error)
    line = str(cause.diag.message_primary)
    assert ROLE in line
    assert "CREATE EXTENSION timescaledb" in line
    assert "\n" not in line
