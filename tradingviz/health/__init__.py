"""Health and metrics: what works, and how old the numbers are."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST

from fo_analytics.api.keeping import bodies
from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.ingest.heartbeat import FRESH_MS, Heartbeat
from tradingviz.core import json
from tradingviz.core import metrics as core_metrics
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import read_only
from tradingviz.health import collectors as collectors  # registers itself
from tradingviz.health.neighbours import (
    DEGRADED,
    DISABLED,
    HEALTHY,
    UNHEALTHY,
    Horizons,
    Signs,
    ask_all,
    database_word,
)

_started = time.monotonic()


def report() -> dict[str, Any]:
    """Return the body of `/health`. Without the database nothing works; all else only degrades.

    Of several shards' ingests all have to work; ages are those of the one furthest behind, counts are sums.
    """
    found, now = ask_all(), now_ms()
    signs = found.signs or Signs((), None)
    beats = [beat for beat in signs.ingest if beat is not None]
    words = {
        "database": found.database,
        "redis": found.redis,
        "ticker": found.ticker,
        "ingest": _living(now, [beat.ts if beat else None for beat in signs.ingest]),
        "orders": _living(now, [signs.orders_ms]),
    }
    status = HEALTHY if set(words.values()) <= {HEALTHY, DISABLED} else DEGRADED
    return {
        "status": UNHEALTHY if found.database == UNHEALTHY else status,
        **words,
        "uptime": round(time.monotonic() - _started, 1),
        "version": settings.VERSION,
        "ages_ms": {
            "ingest_heartbeat": max((now - beat.ts for beat in beats), default=None),
            "orders_heartbeat": None if signs.orders_ms is None else now - signs.orders_ms,
            "last_tick": max((now - beat.ts_event for beat in beats if beat.ts_event), default=None),
        },
        "cache_stats": {**asdict(bodies().stats), "hit_rate": round(bodies().stats.hit_rate, 4)},
        "sessions": _sessions(found.horizons, now),
        "ticks": sum(beat.ticks for beat in beats) if beats else None,
        "dropped": _dropped(beats) if beats else None,
    }


def _living(now: int, heard: Sequence[int | None]) -> str:
    """Return whether all of some processes, one at least, gave a sign of life a moment ago."""
    works = bool(heard) and all(at is not None and now - at <= FRESH_MS for at in heard)
    return HEALTHY if works else UNHEALTHY


def _dropped(beats: Sequence[Heartbeat]) -> dict[str, int]:
    kinds = sorted({kind for beat in beats for kind in beat.dropped})
    return {kind: sum(beat.dropped.get(kind, 0) for beat in beats) for kind in kinds}


def _sessions(horizons: Horizons | None, now: int) -> dict[str, Any] | None:
    """Return how far ahead each exchange's sessions are known, and whether today's is only assumed."""
    if horizons is None:
        return None
    today = ist_date(from_ms(now))
    return {
        exchange: {"known_until": until, "assumed": until is None or today > until}
        for exchange, until in horizons.items()
    }


def _answer(body: dict[str, Any], status: int) -> HttpResponse:
    response = HttpResponse(json.encode(body), content_type="application/json", status=status)
    response["Cache-Control"] = "no-store"
    return response


@read_only
def health(request: HttpRequest) -> HttpResponse:
    """Answer with everything known; 503 where unhealthy."""
    body = report()
    return _answer(body, 503 if body["status"] == UNHEALTHY else 200)


@read_only
def live(request: HttpRequest) -> HttpResponse:
    """Answer as long as this process does."""
    return _answer({"status": HEALTHY}, 200)


@read_only
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 where requests can be served."""
    word = database_word()
    return _answer({"status": word, "database": word}, 200 if word == HEALTHY else 503)


@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format."""
    return HttpResponse(core_metrics.exposition(), content_type=CONTENT_TYPE_LATEST)
