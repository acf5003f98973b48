"""Named queries: `.sql` files whose first line says what they answer."""

from pathlib import Path

from tradingviz.core.sql import named_queries

query = named_queries(Path(__file__).parent)
"""Return the text of `<name>.sql`."""
