"""/metrics of several processes: what they count adds up, what a dead one held is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.serving import Web, serving
from tests.rig.servers import child_environment
from tradingviz.quickstart.processes import has_exited, wait_until
from tradingviz.quickstart.redis import EmbeddedRedis

PATIENCE, PAUSE = 45.0, 0.25  # seconds; 600 requests a minute are answered
LIVE = {"method": "GET", "path": "/health/live", "status": "200"}


@pytest.fixture(scope="module")
def environment(
    django_db_setup: None, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The servers share a folder for their counts, and each has a pool."""
    folder = tmp_path_factory.mktemp("counts") / "made" / "by the servers"
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "DB_POOL_SIZE": "3", "TICKER_SERVICE_URL": "off"}
    return {**child_environment(connection.settings_dict, redis_server.url()), **shared}


@pytest.fixture(scope="module")
def pair(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Web, Web]]:
    """uvicorn and Daphne, side by side for all tests."""
    logs = tmp_path_factory.mktemp("logs")
    with (
        serving("uvicorn", environment, logs / "uvicorn.log") as first,
        serving("daphne", environment, logs / "daphne.log") as second,
    ):
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


def test_what_a_killed_process_counted_stays_and_what_it_held_goes(
    pair: tuple[Web, Web], environment: dict[str, str], tmp_path: Path
) -> None:
    first, _ = pair
    for web in pair:
        web.json("/health")  # opens its pool
    before: list[float | None] = []

    def all_counted() -> bool:
        before[:] = [scraped(web, "db_pool_size") for web in pair]
        return before[0] == before[1] and (before[0] or 0) >= len(pair)

    assert wait_until(all_counted, seconds=PATIENCE, pause=PAUSE), before
    with serving("uvicorn", environment, tmp_path / "killed.log") as third:
        third.json("/health")
        assert wait_until(lambda: scraped(first, "db_pool_size") != before[0], seconds=PATIENCE, pause=PAUSE)
        total = scraped(first, "http_requests_total", **LIVE)
        third.process.send_signal(signal.SIGKILL)
        assert wait_until(lambda: has_exited(third.process), seconds=PATIENCE)
        third.process.wait()
    assert scraped(first, "http_requests_total", **LIVE) == total
    assert scraped(first, "db_pool_size") == before[0]


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
