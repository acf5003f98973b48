"""/metrics of several processes: what they count adds up, what a dead one held is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.serving import Web, serving
from tradingviz.quickstart.processes import has_exited, wait_until

LIVE = {"method": "GET", "path": "/health/live", "status": "200"}


@pytest.fixture
def environment(server_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Two servers share a folder for their counts, and each has a pool."""
    folder = tmp_path / "made" / "by the servers"
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "DB_POOL_SIZE": "3", "TICKER_SERVICE_URL": "off"}
    return {**server_environment, **shared}


@pytest.fixture
def pair(environment: dict[str, str], tmp_path: Path) -> Iterator[tuple[Web, Web]]:
    """uvicorn and Daphne, side by side."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(serving(server, environment, tmp_path / f"{server}.log"))
            for server in ("uvicorn", "daphne")
        )
        yield first, second


def scraped(web: Web, name: str, **labels: str) -> float | None:
    """Return a sample's value; None where there is no such sample. Fail where it is there twice."""
    families = text_string_to_metric_families(web.get("/metrics")[1].decode())
    found = [s.value for family in families for s in family.samples if (s.name, s.labels) == (name, labels)]
    assert len(found) <= 1
    return found[0] if found else None


def test_requests_to_two_processes_add_up_whichever_is_asked(pair: tuple[Web, Web]) -> None:
    first, second = pair
    before = scraped(first, "http_requests_total", **LIVE)
    assert before is not None  # of the start
    for web, count in ((first, 7), (second, 5)):
        for _ in range(count):
            web.get("/health/live")
    assert [scraped(web, "http_requests_total", **LIVE) for web in pair] == [before + 12] * 2
    labels = {"method": "GET", "path": "/health/live"}
    assert [scraped(web, "http_request_duration_seconds_count", **labels) for web in pair] == [before + 12] * 2


def test_what_a_killed_process_counted_stays_and_what_it_held_goes(pair: tuple[Web, Web]) -> None:
    first, second = pair
    first.json("/health")  # opens its pool
    assert wait_until(lambda: bool(scraped(first, "db_pool_size")), seconds=5)
    alone = scraped(first, "db_pool_size")
    second.json("/health")
    assert wait_until(lambda: scraped(first, "db_pool_size") != alone, seconds=5)
    total = scraped(first, "http_requests_total", **LIVE)
    second.process.send_signal(signal.SIGKILL)
    assert wait_until(lambda: has_exited(second.process), seconds=10)
    second.process.wait()
    assert scraped(first, "http_requests_total", **LIVE) == total
    assert scraped(first, "db_pool_size") == alone


def test_the_promised_names_are_there_with_several_processes(pair: tuple[Web, Web]) -> None:
    text = pair[0].get("/metrics")[1].decode()
    names = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    assert names >= {
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "db_pool_size",
        "db_pool_available",
        "redis_connected",
        "sockets_open",
        "cache_hits_total",
        "cache_misses_total",
        "frames_sent_total",
        "socket_closes_total",
        "ingest_backlog_batches",
        "m2m_due_minutes",
    }


def test_a_gauge_left_by_an_earlier_process_of_the_same_pid_is_forgotten(tmp_path: Path) -> None:
    code = (
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['PROMETHEUS_MULTIPROC_DIR']); folder.mkdir()\n"
        "left = folder / f'gauge_livesum_{os.getpid()}.db'; left.write_bytes(b'x')\n"
        "other = folder / f'counter_{os.getpid()}.db'; other.write_bytes(b'x')\n"
        "from tradingviz.settings.env import choose_settings; choose_settings()\n"
        "print(left.exists(), other.exists())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"
