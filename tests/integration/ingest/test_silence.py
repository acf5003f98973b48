"""What is known of a market is old where it trades and nothing new is heard, and where its end was not heard."""

import pytest

from fo_analytics.ingest.heard import Heard, Times, read_heard, write_heard
from fo_analytics.ingest.heartbeat import read_heartbeat
from fo_analytics.models import Underlying
from fo_analytics.services.ingest import make_ingest
from fo_analytics.silence import silent_markets
from streaming.protocol import Reason
from tests.api.market import LAST, SYMBOL, feed, ist, open_market, snapshot
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.django_db(transaction=True)  # a thread of its own asks the database
CLOSE = ist("2026-02-02 15:30:00")


@pytest.fixture(autouse=True)
def market(transactional_db: None, redis_url: str) -> None:
    """NIFTY, heard at LAST + 1 s."""
    open_market()
    hear({"NSE": LAST + 1000}, {SYMBOL: LAST + 1000})


def hear(exchanges: Times, underlyings: Times, stamps: Times | None = None) -> None:
    """Let ingest say when it heard what; the stamps are those times where nothing else is said."""
    heard = Heard(exchanges=exchanges, underlyings=underlyings, stamps=underlyings if stamps is None else stamps)
    write_heard(sync_client(), heard, shard=0)


def why_stale(now: int, symbol: str = SYMBOL) -> Reason | None:
    """Return why an underlying is stale at an instant."""
    return silent_markets([symbol], clock=lambda: now).get(symbol)


def is_silent_at(now: int) -> bool:
    """Return whether NIFTY is silent at an instant."""
    return why_stale(now) == "feed_silent"


@pytest.mark.parametrize(("after_ms", "silent"), [(0, False), (1_900, False), (2_001, True), (600_000, True)])
def test_it_is_silent_two_seconds_after_the_last_tick(after_ms: int, silent: bool) -> None:
    assert is_silent_at(LAST + 1000 + after_ms) is silent


OUTSIDE = [
    "2026-02-02 15:30:00", "2026-02-02 20:00:00", "2026-02-03 09:14:59", "2026-02-03 09:15:01", "2026-02-07 12:00:00",
]  # fmt: skip


@pytest.mark.parametrize("clock", OUTSIDE)
def test_outside_of_a_session_what_spoke_until_the_last_close_is_not_old(clock: str) -> None:
    close = CLOSE if clock < "2026-02-07" else ist("2026-02-06 15:30:00")
    hear({"NSE": close}, {SYMBOL: close}, {SYMBOL: close - 1_000})
    assert why_stale(ist(clock)) is None


@pytest.mark.parametrize("clock", [*OUTSIDE, "2026-01-26 12:00:00"])
def test_outside_of_a_session_what_fell_silent_before_its_end_is_told_to_whoever_comes(clock: str) -> None:
    hear({"NSE": CLOSE - 600_000}, {SYMBOL: CLOSE - 600_000}, {SYMBOL: ist("2026-01-01 12:00:00")})
    assert why_stale(ist(clock)) == "market_closed"


@pytest.mark.parametrize(("before_close_ms", "old"), [(0, False), (59_000, False), (61_000, True)])
def test_a_share_may_say_nothing_in_the_last_minute_of_a_session(before_close_ms: int, old: bool) -> None:
    Underlying.objects.create(symbol="RELIANCE", exchange="NSE", is_index=False)
    hear({"NSE": CLOSE}, {"RELIANCE": CLOSE - before_close_ms})
    assert (why_stale(CLOSE + 3_600_000, "RELIANCE") == "market_closed") is old


def test_of_what_was_never_heard_nobody_knows_how_the_session_ended() -> None:
    hear({}, {})
    assert why_stale(ist("2026-02-02 20:00:00")) == "market_closed"


@pytest.mark.parametrize(("clock", "silent"), [("2026-02-03 09:15:02", False), ("2026-02-03 09:15:03", True)])
def test_a_session_that_opens_may_take_two_seconds_to_speak(clock: str, silent: bool) -> None:
    assert is_silent_at(ist(clock)) is silent


@pytest.mark.parametrize(("age_ms", "late"), [(0, False), (4_000, False), (5_001, True), (3_600_000, True)])
def test_ticks_that_say_what_the_market_was_are_no_news_of_what_it_is(age_ms: int, late: bool) -> None:
    now = LAST + 10_000
    hear({"NSE": now}, {SYMBOL: now}, {SYMBOL: now - age_ms})
    assert why_stale(now + 500) == ("data_quality" if late else None)


def test_an_index_is_silent_also_while_others_of_its_exchange_speak() -> None:
    now = LAST + 10_000
    hear({"NSE": now}, {SYMBOL: LAST + 1000, "RELIANCE": now})
    assert is_silent_at(now)


@pytest.mark.parametrize(
    ("own_ms", "others_ms", "reason"),
    [
        (0, 0, None),
        (59_000, 1_000, None),
        (61_000, 1_000, "illiquid"),
        (61_000, 3_000, "feed_silent"),
        (86_400_000, 1_000, "illiquid"),
        (None, 0, None),
    ],
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


def test_where_nobody_said_anything_there_is_silence() -> None:
    sync_client().flushall()
    assert is_silent_at(LAST + 1000)


def test_redis_that_goes_away_is_silence_two_seconds_after_the_last_tick(
    request: pytest.FixtureRequest,
) -> None:
    assert why_stale(LAST + 1500) is None
    request.getfixturevalue("without_redis")
    assert why_stale(LAST + 2_900) is None
    assert is_silent_at(LAST + 3_001)


def test_without_the_database_what_it_said_last_goes_on_to_count(request: pytest.FixtureRequest) -> None:
    assert why_stale(LAST + 1500) is None
    request.getfixturevalue("without_database")
    assert is_silent_at(LAST + 9_000)
    assert why_stale(LAST + 86_400_000 // 2) == "market_closed"


def test_the_next_ingest_knows_what_the_last_one_heard_also_after_it_ended_in_order() -> None:
    first = feed([snapshot(LAST + 1000)])
    first.beat()
    ended = read_heard(sync_client(), shard=0)
    assert ended.stamps == {SYMBOL: LAST + 1000}
    first._end()
    assert read_heartbeat(sync_client(), shard=0) is None
    assert read_heard(sync_client(), shard=0) == ended
    first._parts.ownership.release()
    second = make_ingest(shard=0)
    second.step()
    second.beat()
    assert read_heard(sync_client(), shard=0) == ended


def test_old_stamps_make_nothing_newer() -> None:
    service = feed([snapshot(LAST + 1000), snapshot(LAST - 30_000)])
    service.beat()
    assert read_heard(sync_client(), shard=0).stamps == {SYMBOL: LAST + 1000}
