"""/health and its kin: what works, in words; with every part really there or really gone."""

from dataclasses import replace
from datetime import date

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.order_stream import OrderReader
from accounts.services.follower import Follower, Parts, make_follower
from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.models import TradingSession
from fo_analytics.services.ingest import make_ingest
from tests.api.asking import Answer, answer_of
from tests.api.market import FIRST, LAST, beat, feed, forget_everything, snapshot
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import sync_client


@pytest.fixture
def working(transactional_db: None, redis_url: str, settings: Settings) -> None:
    """PostgreSQL and Redis answer; there is no ticker service. What is stored is committed: others look, too."""
    settings.TICKER_SERVICE_URL = None
    forget_everything()


def ask(path: str) -> Answer:
    """GET without a token."""
    return answer_of(APIClient().get(path))


@pytest.mark.usefixtures("working")
def test_with_everything_at_work_all_words_are_healthy() -> None:
    make_follower().step()
    beat(feed([snapshot(FIRST), snapshot(LAST)]))
    answer = ask("/health")
    words = {name: answer.body[name] for name in ("status", "database", "redis", "ingest", "orders")}
    assert (answer.status, set(words.values())) == (200, {"healthy"})


@pytest.mark.usefixtures("working")
def test_health_tells_how_far_ahead_sessions_are_known_and_whether_today_is_assumed() -> None:
    feed([snapshot(FIRST)])
    last = TradingSession.objects.filter(exchange="NSE").latest("date").date
    today = ist_date(from_ms(now_ms()))
    assert ask("/health").body["sessions"] == {"NSE": {"known_until": str(last), "assumed": today > last}}
    TradingSession.objects.filter(date__gte=date(2026, 3, 1)).delete()
    forget_everything()
    assert ask("/health").body["sessions"] == {"NSE": {"known_until": "2026-02-27", "assumed": True}}


@pytest.mark.usefixtures("working")
def test_health_tells_version_uptime_counts_and_ages() -> None:
    service = feed([snapshot(FIRST), snapshot(LAST)])
    beat(service)
    body = ask("/health").body
    assert body["version"] == "1.0.0"
    assert body["uptime"] >= 0
    assert body["ticks"] == len(snapshot(FIRST)[1]) + len(snapshot(LAST)[1])
    assert body["dropped"] == {}
    assert 0 <= body["ages_ms"]["ingest_heartbeat"] < 5_000
    assert body["ages_ms"]["last_tick"] == pytest.approx(now_ms() - LAST, abs=60_000)


@pytest.mark.usefixtures("working")
def test_what_ingest_dropped_is_told_by_kind() -> None:
    _, ticks = snapshot(FIRST)
    tomorrow = now_ms() + 86_400_000
    service = feed([(FIRST, [*ticks, replace(ticks[0], ts=tomorrow), replace(ticks[1], last=-1.0)])])
    beat(service)
    assert ask("/health").body["dropped"] == {"future_stamp": 1, "negative_price": 1}


@pytest.mark.usefixtures("working")
def test_without_an_ingest_health_is_degraded_and_ages_are_null() -> None:
    answer = ask("/health")
    assert (answer.status, answer.body["status"], answer.body["ingest"]) == (200, "degraded", "unhealthy")
    assert answer.body["ages_ms"] == {"ingest_heartbeat": None, "orders_heartbeat": None, "last_tick": None}


@pytest.mark.usefixtures("working")
def test_where_nobody_follows_orders_any_more_health_is_degraded_and_says_since_when() -> None:
    beat(feed([snapshot(FIRST), snapshot(LAST)]))
    parts = Parts(OrderReader(sync_client()), sync_client(), clock=lambda: now_ms() - 60_000)
    Follower(parts).step()
    body = ask("/health").body
    assert (body["status"], body["ingest"], body["orders"]) == ("degraded", "healthy", "unhealthy")
    assert body["ages_ms"]["orders_heartbeat"] >= 60_000


@pytest.mark.usefixtures("working")
def test_an_ingest_that_fell_silent_is_unhealthy() -> None:
    make_ingest(shard=0, clock=lambda: now_ms() - 60_000).step()
    answer = ask("/health")
    assert (answer.body["status"], answer.body["ingest"]) == ("degraded", "unhealthy")
    assert answer.body["ages_ms"]["ingest_heartbeat"] >= 60_000


@pytest.mark.usefixtures("db", "without_redis")
def test_without_redis_health_is_degraded() -> None:
    answer = ask("/health")
    words = {name: answer.body[name] for name in ("status", "database", "redis", "ingest")}
    assert answer.status == 200
    assert words == {"status": "degraded", "database": "healthy", "redis": "unhealthy", "ingest": "unhealthy"}


@pytest.mark.usefixtures("without_database")
def test_without_the_database_health_is_unhealthy_and_503() -> None:
    answer = ask("/health")
    words = {name: answer.body[name] for name in ("status", "database", "redis")}
    assert answer.status == 503
    assert words == {"status": "unhealthy", "database": "unhealthy", "redis": "healthy"}


@pytest.mark.usefixtures("without_database")
def test_without_the_database_the_process_is_alive_and_not_ready() -> None:
    assert (ask("/health/live").status, ask("/health/ready").status) == (200, 503)


@pytest.mark.usefixtures("working")
def test_with_the_database_the_process_is_ready() -> None:
    assert (ask("/health/live").body["status"], ask("/health/ready").body["database"]) == ("healthy", "healthy")
    assert ask("/health/ready").status == 200


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_is_never_cached_and_cannot_be_posted(path: str) -> None:
    assert ask(path).headers["Cache-Control"] == "no-store"
    assert APIClient().post(path).status_code == 405
