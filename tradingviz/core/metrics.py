"""Prometheus metrics of the HTTP side, under the promised names.

With PROMETHEUS_MULTIPROC_DIR set, counters of all processes of that folder add up; without it a process shows its own.
Labels come from closed sets only: `path` is the route, never the URL.
"""

import os
import time
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["method", "path", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to answer an HTTP request", ["method", "path"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_live_collectors: list[Collector] = []

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]] | Callable[[HttpRequest], HttpResponse]


class RequestMetricsMiddleware:
    """Count and time every request; works in Django's sync and async chains."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Awaitable[HttpResponse] | HttpResponse:
        """Answer the request."""
        started = time.perf_counter()
        answer = self.get_response(request)
        if isinstance(answer, HttpResponse) or not isinstance(answer, Awaitable):
            return _observed(request, answer, started)
        return self._later(request, answer, started)

    async def _later(self, request: HttpRequest, answer: Awaitable[HttpResponse], started: float) -> HttpResponse:
        return _observed(request, await answer, started)


def _observed(request: HttpRequest, response: HttpResponse, started: float) -> HttpResponse:
    match = request.resolver_match
    path = f"/{match.route}" if match else "unmatched"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(method, path, str(response.status_code)).inc()
    DURATION.labels(method, path).observe(time.perf_counter() - started)
    return response


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """TEMP"""
    method = method if method in METHODS else "other"
    REQUESTS.labels(method, route, str(status)).inc()
    DURATION.labels(method, route).observe(seconds)


def register_live(collector: Collector) -> None:
    """Add a collector that is asked at scrape time (gauges read from a pool, from Redis, …)."""
    _live_collectors.append(collector)


def exposition() -> bytes:
    """Return the metrics in Prometheus' text format."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        counters = generate_latest(registry)
    else:
        counters = generate_latest(REGISTRY)
    live = CollectorRegistry()
    for collector in _live_collectors:
        live.register(collector)
    return counters + generate_latest(live)
