"""What a process remembers does not age within a test: where a second passes is chance, and no test may hang on it."""

import time
from collections.abc import Callable

import pytest

from tradingviz.core import cache

_passed: list[float] = []


@pytest.fixture(autouse=True)
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets what is remembered age by some seconds; nothing else does, before the next test."""
    began = time.monotonic()
    # What was passed stays passed: nothing of this test may look newer than the next one.
    monkeypatch.setattr(cache, "monotonic", lambda: began + sum(_passed))
    return _passed.append
