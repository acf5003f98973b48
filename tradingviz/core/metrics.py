"""Prometheus metrics of the HTTP side, under the promised names.

With PROMETHEUS_MULTIPROC_DIR set, the processes of that folder add up: what a dead one counted is kept, what it held is
not. Without it a process shows its own. Labels come from closed sets only: `path` is the route, never the URL.
"""

import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["method", "path", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to answer an HTTP request", ["method", "path"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
SAMPLE_SECONDS = 1.0

_live_collectors: list[Collector] = []
_samplers: list[Callable[[], None]] = []
_LIVE_GAUGE = re.compile(r"gauge_live\w+_(\d+)\.db")


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count and time an answered request. `route` is a pattern of the URL list, or `unmatched`."""
    if method not in METHODS:
        method = "other"
    _counter(method, route, status).inc()
    _histogram(method, route).observe(seconds)


@cache
def _counter(method: str, route: str, status: int) -> Counter:
    """Return the child of some labels: finding it takes longer than counting. The sets are closed, so is the cache."""
    _sample_from_now_on()
    return REQUESTS.labels(method, route, str(status))


@cache
def _histogram(method: str, route: str) -> Histogram:
    return DURATION.labels(method, route)


def register_live(collector: Collector) -> None:
    """Add a collector that is asked at scrape time, for what all processes see alike (Redis, what ingest says)."""
    _live_collectors.append(collector)


def register_sampler(sample: Callable[[], None]) -> None:
    """Add a function that sets gauges of this process: called at scrape time, and once a second beside others."""
    _samplers.append(sample)


def exposition() -> bytes:
    """Return the metrics in Prometheus' text format."""
    for sample in _samplers:
        sample()
    folder = _shared_folder()
    registry = REGISTRY
    if folder is not None:
        forget_dead(folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    live = CollectorRegistry()
    for collector in _live_collectors:
        live.register(collector)
    return generate_latest(registry) + generate_latest(live)


def forget_dead(folder: Path) -> None:
    """Remove what processes held that are gone, however they ended; what they counted stays."""
    pids = {int(match[1]) for file in folder.iterdir() if (match := _LIVE_GAUGE.fullmatch(file.name))}
    for pid in pids:
        if not _lives(pid):
            with suppress(FileNotFoundError):  # another process was faster
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _shared_folder() -> Path | None:
    found = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(found) if found else None


@cache
def _sample_from_now_on() -> None:
    """Keep this process's gauges true while others are scraped."""
    if _shared_folder() is not None:
        threading.Thread(target=_sample_for_ever, name="sample-gauges", daemon=True).start()


def _sample_for_ever() -> None:
    while True:
        time.sleep(SAMPLE_SECONDS)
        for sample in _samplers:
            sample()
