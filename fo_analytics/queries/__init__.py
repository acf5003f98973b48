"""Named queries: `.sql` files whose first line says what they answer."""

from pathlib import Path

from tradingviz.core.sql import load_query


def query(name: str) -> str:
    """Return the text of `<name>.sql`."""
    return load_query(Path(__file__).parent / f"{name}.sql")
