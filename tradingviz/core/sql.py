"""SQL is read as SQL: migrations run `.sql` files, queries are files with a first line that says what they answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps

_FUNCTIONS = Path(__file__).parent / "migration_functions.sql"


class RunSQLFile(RunPython):
    """Run `<folder>/<name>.up.sql` forwards and `<folder>/<name>.down.sql` backwards, each as one script.

    migration_functions.sql runs before either: temporary functions that the scripts of all apps share.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        super().__init__(_runner(folder / f"{name}.up.sql"), _runner(folder / f"{name}.down.sql"))

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        """Return what rebuilds this operation (name, arguments, keywords)."""
        return (type(self).__name__, [self.folder, self.name], {})

    def describe(self) -> str:
        """Return the line shown by sqlmigrate."""
        return f"Run {self.name}.up.sql"


class _runner:  # noqa: N801 - reads as a function; a class so that RunPython sees a plain callable
    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(read_script(self.path))


def read_script(path: Path) -> str:
    """Return a migration's script with the shared functions before it."""
    return _FUNCTIONS.read_text(encoding="utf-8") + path.read_text(encoding="utf-8")


@cache
def load_query(path: Path) -> str:
    """Return the text of a named query, read once per process, without the lines that are comments.

    They are for readers: psycopg takes a text of more than 4 kB apart anew whenever it is asked.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def named_queries(folder: Path) -> Callable[[str], str]:
    """Return a function that gives the text of `<folder>/<name>.sql`, read once per process."""

    @cache
    def query(name: str) -> str:
        return load_query(folder / f"{name}.sql")

    return query


def array_text(values: Iterable[float | date]) -> str:
    """Return numbers, days or instants as the text of an array, to be cast: as a list, each is looked at."""
    return f"{{{','.join(map(str, values))}}}"


def read_numbers(
    source: str, parameters: Mapping[str, Any], columns: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return columns (n,) of numbers by name, NaN for null, of what stands behind FROM; in no certain order."""
    payload = _packed(source, parameters, [f"float8send(COALESCE({name}::float8, 'NaN'))" for name in columns])
    matrix = np.frombuffer(payload, ">f8").reshape(-1, len(columns)).T.astype(np.float64, order="C")
    return dict(zip(columns, matrix, strict=True))


def read_integers(
    source: str, parameters: Mapping[str, Any], columns: Sequence[str]
) -> dict[str, npt.NDArray[np.int64]]:
    """Return columns (n,) of whole numbers without nulls by name, of what stands behind FROM; in no certain order."""
    payload = _packed(source, parameters, [f"int8send({name})" for name in columns])
    matrix = np.frombuffer(payload, ">i8").reshape(-1, len(columns)).T.astype(np.int64, order="C")
    return dict(zip(columns, matrix, strict=True))


def _packed(source: str, parameters: Mapping[str, Any], parts: Sequence[str]) -> bytes:
    """Return the parts of all rows, one after the other.

    One packed value carries them all: the text of a number is slow to write and to read, and so are rows to take apart.
    """
    with _binary_cursor() as cursor:
        cursor.execute(f"SELECT STRING_AGG({' || '.join(parts)}, '') FROM {source}", parameters)
        return cursor.fetchone()[0] or b""


def _binary_cursor() -> Any:
    """Return a cursor whose results are binary, its parameters beside the query.

    Django's puts them into the text, and the server answers a text with text, twice as long as what it stands for.
    """
    connection.ensure_connection()
    cursor: Any = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)
