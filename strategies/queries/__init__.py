"""Named queries: `.sql` files whose first line says what they answer."""

from functools import cache
from pathlib import Path

from tradingviz.core.sql import load_query


@cache
def query(name: str) -> str:
    """Return the text of `<name>.sql`."""
    return load_query(Path(__file__).parent / f"{name}.sql")
