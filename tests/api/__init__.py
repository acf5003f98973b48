"""REST, as a client sees it."""
