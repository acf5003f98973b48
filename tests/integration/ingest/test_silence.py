"""A feed is silent where its exchange trades and ingest has heard nothing for two seconds; never otherwise."""

import pytest

from fo_analytics.silence import silent_markets
from tests.api.market import LAST, SYMBOL, feed, ist, open_market, snapshot
from tradingviz.core.redis import sync_client


@pytest.fixture(autouse=True)
def market(db: None, redis_url: str) -> None:
    """NIFTY, heard at LAST + 1 s."""
    open_market()
    service = feed([snapshot(LAST + 1000)])
    service._parts.engine.heard = {"NSE": LAST + 1000}
    service._beat_at = 0.0
    service.beat()


def is_silent_at(now: int) -> bool:
    """Return whether NIFTY is stale at an instant."""
    return SYMBOL in silent_markets([SYMBOL], clock=lambda: now)


@pytest.mark.parametrize(("after_ms", "silent"), [(0, False), (1_900, False), (2_001, True), (600_000, True)])
def test_it_is_silent_two_seconds_after_the_last_tick(after_ms: int, silent: bool) -> None:
    assert is_silent_at(LAST + 1000 + after_ms) is silent


@pytest.mark.parametrize(
    "clock",
    ["2026-02-02 15:30:00", "2026-02-02 20:00:00", "2026-02-03 09:14:59", "2026-02-07 12:00:00", "2026-01-26 12:00:00"],
)
def test_it_is_never_silent_outside_of_a_session(clock: str) -> None:
    assert not is_silent_at(ist(clock))


@pytest.mark.parametrize(("clock", "silent"), [("2026-02-03 09:15:02", False), ("2026-02-03 09:15:03", True)])
def test_a_session_that_opens_may_take_two_seconds_to_speak(clock: str, silent: bool) -> None:
    assert is_silent_at(ist(clock)) is silent


def test_an_ingest_that_says_nothing_is_silence() -> None:
    sync_client().flushall()
    assert is_silent_at(LAST + 1000)


@pytest.mark.usefixtures("without_redis")
def test_without_redis_nothing_is_heard() -> None:
    assert is_silent_at(LAST + 1000)
