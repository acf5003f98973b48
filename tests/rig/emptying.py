"""After a test that commits, its rows are removed: of the tables that have any, and not what never changes.

Django empties every table, and fills those again that `migrate` fills. That takes a second for a test that wrote a row.
"""

from collections.abc import Iterator
from typing import Any

import django.test
import pytest
from django.db import DatabaseError, connection, transaction

# What `migrate` fills. As long as they are as it left them, they stay.
FILLED = ("django_content_type", "auth_permission", "fo_analytics_tradingsession", "fo_analytics_sessioninterval")

_REFERENCED = "SELECT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid <> conrelid"
# Pieces of a hypertable stay when their rows are deleted.
_IN_PIECES = "SELECT DISTINCT hypertable_name::text FROM timescaledb_information.chunks"


@pytest.fixture(scope="session", autouse=True)
def emptied_quickly() -> Iterator[None]:
    """Empty the database our way after each test, where it can be done."""
    cases: Any = django.test.TransactionTestCase
    original, left = cases._fixture_teardown, Leavings()

    def empty(case: django.test.TransactionTestCase) -> None:
        if not left.removed():
            original(case)
            left.remember()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "_fixture_teardown", empty)
        yield


class Leavings:
    """What tests leave in the database."""

    def __init__(self) -> None:
        self._filled: list[str] | None = None

    def remember(self) -> None:
        """Take what is filled now as what `migrate` filled."""
        self._filled = _filled()

    def removed(self) -> bool:
        """Remove all but what `migrate` filled; return whether that was still as it should be."""
        if self._filled is None or _filled() != self._filled:
            return False
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        with transaction.atomic():
            _empty([table for table in tables if table not in FILLED])
        return True


def _filled() -> list[str] | None:
    """Return a checksum of each filled table, None where one is not there."""
    question = "SELECT md5(coalesce(string_agg(one::text, ' ' ORDER BY one::text), '')) FROM {} one"
    try:
        with transaction.atomic():
            return _column(" UNION ALL ".join(map(question.format, FILLED)))
    except DatabaseError:
        return None


def _empty(tables: list[str]) -> None:
    """Remove all rows; what others refer to cannot be truncated without them."""
    referenced, in_pieces = set(_column(_REFERENCED)), set(_column(_IN_PIECES)) if _has_timescaledb() else set()
    used = set(_column(" UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT FROM {one})" for one in tables)))
    used |= in_pieces & set(tables)
    with connection.cursor() as cursor:
        for table in sorted(used & referenced):
            cursor.execute(f"DELETE FROM {table}")
        if alone := sorted(used - referenced):
            cursor.execute(f"TRUNCATE {', '.join(alone)}")


def _has_timescaledb() -> bool:
    return bool(_column("SELECT extname FROM pg_extension WHERE extname = 'timescaledb'"))


def _column(question: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return [row[0] for row in cursor.fetchall()]
