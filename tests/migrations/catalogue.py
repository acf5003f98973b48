"""What a database's own catalogue says of our tables, in an order that two databases share."""

from typing import Any

from django.db import connection

Rows = list[tuple[Any, ...]]
Catalogue = dict[str, Rows]

_TABLES = "relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
_QUERIES = {
    "columns": f"""
        SELECT relname, row_number() OVER (PARTITION BY relname ORDER BY attnum), attname,
            format_type(atttypid, atttypmod), attnotnull, attidentity, pg_get_expr(adbin, adrelid), attcollation
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE {_TABLES} AND attnum > 0 AND NOT attisdropped ORDER BY 1, 2""",
    "constraints": f"""
        SELECT relname, conname, contype, pg_get_constraintdef(pg_constraint.oid), convalidated
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE {_TABLES} ORDER BY 1, 2""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = current_schema() ORDER BY 1, 2""",
    "sequences": """
        SELECT sequencename, data_type, start_value, increment_by, cycle FROM pg_sequences
        WHERE schemaname = current_schema() ORDER BY 1""",
    "triggers": f"""
        SELECT relname, tgname, pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE {_TABLES} AND NOT tgisinternal ORDER BY 1, 2""",
}
_HYPERTABLES = """
    SELECT hypertable_name, column_name, column_type::text, time_interval
    FROM timescaledb_information.dimensions
    WHERE hypertable_schema = current_schema() ORDER BY 1"""


def catalogue() -> Catalogue:
    """Return columns with types and defaults, constraints, indexes, sequences, triggers, and hypertables."""
    return {name: _rows(query) for name, query in _QUERIES.items()} | {"hypertables": hypertables()}


def hypertables() -> Rows:
    """Return each hypertable's name, its column of time, that one's type and the length of a chunk."""
    return _rows(_HYPERTABLES) if has_extension() else []


def has_extension() -> bool:
    """Return whether the database has TimescaleDB."""
    return bool(_rows("SELECT FROM pg_extension WHERE extname = 'timescaledb'"))


def table_names() -> set[str]:
    """Return the tables there are."""
    return {row[0] for row in _rows(f"SELECT relname FROM pg_class WHERE {_TABLES}")}


def contents(table: str) -> Rows:
    """Return all rows of a table, each as text, in order."""
    return _rows(f"SELECT {table}::text FROM {table} ORDER BY 1")


def _rows(query: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
