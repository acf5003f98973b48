"""Comparing answers, and counting the queries behind them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.market import forget_everything

# What tells live answers from stored ones, and what follows the instant they hold at.
APART = {"source", "epoch", "seq", "ts_event", "spot_age_ms", "age_ms", "quote_age_ms", "oi_age_ms"}


def assert_alike(one: Any, other: Any, *, rel: float = 1e-6, place: str = "") -> None:
    """Demand that two answers a millisecond apart say the same, but for where they come from."""
    if isinstance(one, dict):
        assert set(one) == set(other), place
        for name in set(one) - APART:
            assert_alike(one[name], other[name], rel=rel, place=f"{place}.{name}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for at, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_alike(left, right, rel=rel, place=f"{place}[{at}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=rel, abs=1e-9), place
    else:
        assert one == other, place


def queries_of(ask: Callable[[], object]) -> int:
    """Return how many queries an answer takes of a process that remembers nothing."""
    forget_everything()
    with CaptureQueriesContext(connection) as queries:
        ask()
    return len(queries)
