"""Health and metrics: what works, and how old the numbers are."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fo_analytics.api.keeping import bodies
from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.ingest.heartbeat import FRESH_MS, Heartbeat, read_heartbeat
from fo_analytics.selectors.reference import session_horizons
from tradingviz.core import json
from tradingviz.core import metrics as core_metrics
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import shared_client

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
_started = time.monotonic()


def database_word() -> str:
    """Return whether PostgreSQL answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, OSError):
        return UNHEALTHY
    return HEALTHY


def redis_word() -> str:
    """Return whether Redis answers."""
    try:
        shared_client().ping()
    except redis.RedisError:
        return UNHEALTHY
    return HEALTHY


def heartbeat() -> Heartbeat | None:
    """Return what ingest last said of itself, None where it said nothing or Redis is away."""
    try:
        return read_heartbeat(shared_client(), shard=settings.TICK_SHARD)
    except redis.RedisError:
        return None


def report() -> dict[str, Any]:
    """Return the body of `/health`. Without the database nothing works; all else only degrades."""
    beat, now = heartbeat(), now_ms()
    ingest = HEALTHY if beat and now - beat.ts <= FRESH_MS else UNHEALTHY
    words = {"database": database_word(), "redis": redis_word(), "ingest": ingest}
    status = HEALTHY if set(words.values()) == {HEALTHY} else DEGRADED
    return {
        "status": UNHEALTHY if words["database"] == UNHEALTHY else status,
        **words,
        "uptime": round(time.monotonic() - _started, 1),
        "version": settings.VERSION,
        "ages_ms": {
            "ingest_heartbeat": now - beat.ts if beat else None,
            "last_tick": now - beat.ts_event if beat and beat.ts_event else None,
        },
        "cache_stats": {**asdict(bodies().stats), "hit_rate": round(bodies().stats.hit_rate, 4)},
        "sessions": _sessions(now) if words["database"] == HEALTHY else None,
        "ticks": beat.ticks if beat else None,
        "dropped": beat.dropped if beat else None,
    }


def _sessions(now: int) -> dict[str, Any]:
    """Return how far ahead each exchange's sessions are known, and whether today's is only assumed."""
    today = ist_date(from_ms(now))
    return {
        exchange: {"known_until": until, "assumed": until is None or today > until}
        for exchange, until in session_horizons().items()
    }


def _answer(body: dict[str, Any], status: int) -> HttpResponse:
    response = HttpResponse(json.encode(body), content_type="application/json", status=status)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Answer with everything known; 503 where unhealthy."""
    body = report()
    return _answer(body, 503 if body["status"] == UNHEALTHY else 200)


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answer as long as this process does."""
    return _answer({"status": HEALTHY}, 200)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 where requests can be served."""
    word = database_word()
    return _answer({"status": word, "database": word}, 200 if word == HEALTHY else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format."""
    return HttpResponse(core_metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


class LiveCollector(Collector):
    """Gauges that are read when asked: the pool, Redis, and what ingest says of itself."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from _pool_metrics()
        connected = 1.0 if redis_word() == HEALTHY else 0.0
        yield GaugeMetricFamily("redis_connected", "1 where Redis answers", value=connected)
        beat = heartbeat()
        if beat:
            yield from _ingest_metrics(beat)


def _pool_metrics() -> Iterator[Metric]:
    pool = getattr(connection, "pool", None)
    stats = pool.get_stats() if pool is not None else {}
    yield GaugeMetricFamily("db_pool_size", "connections of this process", value=stats.get("pool_size", 0))
    yield GaugeMetricFamily("db_pool_available", "connections waiting for work", value=stats.get("pool_available", 0))


def _ingest_metrics(beat: Heartbeat) -> Iterator[Metric]:
    yield CounterMetricFamily("ingest_ticks", "ticks taken in", value=beat.ticks)
    yield CounterMetricFamily("ingest_bars_written", "bars written or rewritten", value=beat.bars)
    yield CounterMetricFamily("ingest_frames_published", "documents published", value=beat.published)
    yield GaugeMetricFamily("ingest_heartbeat_age_seconds", "age of the heartbeat", value=(now_ms() - beat.ts) / 1000)
    dropped = CounterMetricFamily("ingest_ticks_dropped", "ticks dropped, by kind", labels=["kind"])
    for kind, count in sorted(beat.dropped.items()):
        dropped.add_metric([kind], count)
    yield dropped


core_metrics.register_live(LiveCollector())
