"""Where second marks are in Redis."""

DUE = "marks:due"
"""A sorted set: minutes whose marks changed, by the number of the change."""

CHANGES = "marks:changes"
"""The number of the last change."""

KEEP_SECONDS = 3_600


def minute_key(minute: int | str) -> str:
    """Return the key of the marks of a minute (its open, Unix seconds)."""
    return f"marks:{minute}"
