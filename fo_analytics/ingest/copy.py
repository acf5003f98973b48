"""Rows by binary COPY: a numpy record array becomes PostgreSQL's wire form in one go.

Every column has a fixed width, so NULL travels as a value that the receiving statement turns back: NaN in numbers,
-infinity in stamps. Rows that have no NULL may be copied into a table as they are.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_POSTGRES_EPOCH_MS = 946_684_800_000
_MINUS_INFINITY = np.iinfo(np.int64).min


class Kind(Enum):
    """How a column travels: the wire type and the column's SQL type."""

    SMALL = (">i2", "smallint")
    INTEGER = (">i8", "bigint")
    NUMBER = (">f8", "double precision")
    STAMP = (">i8", "timestamptz")  # from milliseconds, 0 becomes -infinity


@dataclass(frozen=True, slots=True)
class CopyTable:
    """A table to copy into, most often a staging table: its name and columns."""

    name: str
    columns: tuple[tuple[str, Kind], ...]

    def create_sql(self) -> str:
        """Return the statements that make it for this connection, empty."""
        columns = ", ".join(f"{name} {kind.value[1]}" for name, kind in self.columns)
        return f"CREATE TEMPORARY TABLE IF NOT EXISTS {self.name} ({columns}); TRUNCATE {self.name}"

    def encode(self, values: dict[str, npt.NDArray[Any]], count: int) -> bytes:
        """Return the COPY payload of `count` rows; `values` holds a column (count,) per name."""
        fields: list[tuple[str, str]] = [("#", ">i2")]
        for name, kind in self.columns:
            fields += [(f"#{name}", ">i4"), (name, kind.value[0])]
        rows = np.zeros(count, np.dtype(fields))
        rows["#"] = len(self.columns)
        for name, kind in self.columns:
            rows[f"#{name}"] = np.dtype(kind.value[0]).itemsize
            rows[name] = _stamps(values[name]) if kind is Kind.STAMP else values[name]
        return _SIGNATURE + rows.tobytes() + _TRAILER

    def copy(self, cursor: psycopg.Cursor[Any], values: dict[str, npt.NDArray[Any]], count: int) -> None:
        """Fill the staging table inside the caller's transaction."""
        cursor.execute(self.create_sql().encode())
        self.append(cursor, values, count)

    def append(self, cursor: psycopg.Cursor[Any], values: dict[str, npt.NDArray[Any]], count: int) -> None:
        """Copy rows behind those that the table holds."""
        names = ", ".join(name for name, _ in self.columns)
        with cursor.copy(f"COPY {self.name} ({names}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.write(self.encode(values, count))


def _stamps(milliseconds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.where(milliseconds == 0, _MINUS_INFINITY, (milliseconds - _POSTGRES_EPOCH_MS) * 1000)
