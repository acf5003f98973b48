"""A machine that stalls must not make a test forget."""

import time

import pytest

from tradingviz.core import cache


@pytest.fixture
def nothing_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reference data stays remembered, however long the test takes."""
    now = time.monotonic()
    monkeypatch.setattr(cache, "monotonic", lambda: now)
