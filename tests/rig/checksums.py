"""What the database holds of the market, in a form that two databases can be compared by."""

import psycopg

# Rows by what names them outside: the keys of two databases may differ.
_INSTRUMENT = """
    SELECT u.symbol, i.kind, i.expiry, i.strike, {columns} FROM {table} AS t
    JOIN fo_analytics_instrument AS i ON i.id = t.instrument_id
    JOIN fo_analytics_underlying AS u ON u.id = i.underlying_id
"""
_UNDERLYING = """
    SELECT u.symbol, {columns} FROM {table} AS t JOIN fo_analytics_underlying AS u ON u.id = t.underlying_id
"""
_COLUMNS = """
    SELECT string_agg(format('t.%I', column_name), ', ' ORDER BY column_name) FROM information_schema.columns
    WHERE table_schema = current_schema AND table_name = '{table}'
    AND column_name NOT IN ('id', 'instrument_id', 'underlying_id')
"""
# A sum of the rows' hashes does not depend on their order: nothing has to be sorted.
_CHECKSUM = "SELECT count(*), coalesce(sum(hash_record_extended(r, 0)), 0)::text FROM ({rows}) AS r"
TABLES = {
    "bar": _INSTRUMENT,
    "bar_rollup": _INSTRUMENT,
    "chain_metric": _UNDERLYING,
    "rollup_due": _UNDERLYING,
    "fo_analytics_officialclose": _UNDERLYING,
    "fo_analytics_barcoverage": _UNDERLYING,
}

Checksums = dict[str, tuple[int, str]]
Database = psycopg.Connection[tuple[object, ...]]


def checksums(database: Database) -> Checksums:
    """Return count and checksum of every table that ticks end in."""
    found: Checksums = {}
    for table in TABLES:
        [(count, total)] = _answer(database, _CHECKSUM.format(rows=_rows(database, table)))
        found[table] = (int(str(count)), str(total))
    return found


def difference(here: Database, there: Database, *, shown: int = 4) -> list[str]:
    """Return the first rows that only one of two databases has, `-` for `here` and `+` for `there`."""
    lines: list[str] = []
    for table in TABLES:
        left, right = ({str(row) for row in _answer(at, _rows(at, table))} for at in (here, there))
        for sign, only in (("-", left - right), ("+", right - left)):
            lines += [f"{sign} {table} ({len(only)} rows): {row}" for row in sorted(only)[:shown]]
    return lines


def _rows(database: Database, table: str) -> str:
    """Return the statement that reads a table without its keys."""
    [(columns,)] = _answer(database, _COLUMNS.format(table=table))
    return TABLES[table].format(table=table, columns=columns)


def _answer(database: Database, statement: str) -> list[tuple[object, ...]]:
    return database.execute(statement.encode()).fetchall()
