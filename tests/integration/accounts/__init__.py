"""Trading accounts against the real database and Redis."""
