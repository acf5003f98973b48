"""A feed is silent where its exchange trades and ingest has heard nothing for two seconds; never otherwise."""

from collections.abc import Mapping

import pytest

from fo_analytics.models import Underlying
from fo_analytics.silence import silent_markets
from streaming.protocol import Reason
from tests.api.market import LAST, SYMBOL, feed, ist, open_market, snapshot
from tradingviz.core.redis import sync_client


@pytest.fixture(autouse=True)
def market(db: None, redis_url: str) -> None:
    """NIFTY, heard at LAST + 1 s."""
    open_market()
    hear({"NSE": LAST + 1000}, {SYMBOL: LAST + 1000})


def hear(exchanges: Mapping[str, int], underlyings: Mapping[str, int]) -> None:
    """Let ingest say when it heard what."""
    service = feed([snapshot(LAST + 1000)])
    service._parts.engine.heard, service._parts.engine.heard_of = dict(exchanges), dict(underlyings)
    service._beat_at = 0.0
    service.beat()


def why_stale(now: int, symbol: str = SYMBOL) -> Reason | None:
    """Return why an underlying is stale at an instant."""
    return silent_markets([symbol], clock=lambda: now).get(symbol)


def is_silent_at(now: int) -> bool:
    """Return whether NIFTY is silent at an instant."""
    return why_stale(now) == "feed_silent"


@pytest.mark.parametrize(("after_ms", "silent"), [(0, False), (1_900, False), (2_001, True), (600_000, True)])
def test_it_is_silent_two_seconds_after_the_last_tick(after_ms: int, silent: bool) -> None:
    assert is_silent_at(LAST + 1000 + after_ms) is silent


@pytest.mark.parametrize(
    "clock",
    ["2026-02-02 15:30:00", "2026-02-02 20:00:00", "2026-02-03 09:14:59", "2026-02-07 12:00:00", "2026-01-26 12:00:00"],
)
def test_it_is_never_silent_outside_of_a_session(clock: str) -> None:
    assert why_stale(ist(clock)) == "market_closed"


@pytest.mark.parametrize(("clock", "silent"), [("2026-02-03 09:15:02", False), ("2026-02-03 09:15:03", True)])
def test_a_session_that_opens_may_take_two_seconds_to_speak(clock: str, silent: bool) -> None:
    assert why_stale(ist(clock)) == ("feed_silent" if silent else "market_closed")


def test_an_index_is_silent_also_while_others_of_its_exchange_speak() -> None:
    now = LAST + 10_000
    hear({"NSE": now}, {SYMBOL: LAST + 1000, "RELIANCE": now})
    assert is_silent_at(now)


@pytest.mark.parametrize(
    ("own_ms", "others_ms", "reason"),
    [(0, 0, None), (59_000, 1_000, None), (61_000, 1_000, "illiquid"), (61_000, 3_000, "feed_silent"), (None, 0, None)],
)
def test_a_share_is_silent_with_its_exchange_and_illiquid_after_a_minute_alone(
    own_ms: int | None, others_ms: int, reason: Reason | None
) -> None:
    Underlying.objects.create(symbol="RELIANCE", exchange="NSE", is_index=False)
    now = LAST + 1000
    hear({"NSE": now - others_ms}, {} if own_ms is None else {"RELIANCE": now - own_ms})
    assert why_stale(now, "RELIANCE") == reason


def test_an_underlying_that_nobody_knows_is_left_out_alone() -> None:
    assert silent_markets(["GONE", SYMBOL], clock=lambda: LAST + 9_000) == {SYMBOL: "feed_silent"}


def test_an_ingest_that_says_nothing_is_silence() -> None:
    sync_client().flushall()
    assert is_silent_at(LAST + 1000)


@pytest.mark.usefixtures("without_redis")
def test_without_redis_nothing_is_heard() -> None:
    assert is_silent_at(LAST + 1000)
