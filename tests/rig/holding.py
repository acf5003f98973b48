"""What is held, without strategies that hold it."""

from collections.abc import Iterator

import pytest

from fo_analytics import held


@pytest.fixture
def holding() -> Iterator[dict[int, int]]:
    """Kinds of prices wanted by instrument; tests fill it."""
    wanted: dict[int, int] = {}
    before = list(held._registered)
    held.register(lambda: wanted)
    yield wanted
    held._registered[:] = before
