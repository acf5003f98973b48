"""/metrics: the promised names, and labels from closed sets."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from tests.api.asking import Asker
from tests.api.market import FIRST, beat, feed, forget_everything, snapshot

REPOSITORY = Path(__file__).resolve().parents[2]
Sample = tuple[str, dict[str, str], float]

PROMISED = {
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_count",
    "db_pool_size",
    "db_pool_available",
    "redis_connected",
}


@pytest.fixture(autouse=True)
def fresh(db: None, redis_url: str) -> Iterator[None]:
    """Nothing remembered."""
    forget_everything()
    yield
    forget_everything()


def scrape() -> list[Sample]:
    """Return the samples as Prometheus reads them."""
    response = APIClient().get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(response.content.decode())
    return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


def requests(**labels: str) -> float:
    """Return how many requests of some labels were counted."""
    found = [
        value for name, held, value in scrape() if name == "http_requests_total" and labels.items() <= held.items()
    ]
    return sum(found)


def test_the_promised_names_are_there() -> None:
    scrape()
    assert {name for name, _, _ in scrape()} >= PROMISED


def test_requests_are_counted_by_route_method_and_status(ask: Asker) -> None:
    labels = {"method": "GET", "path": "/fo/expiries", "status": "400"}
    before = requests(**labels)
    ask("/fo/expiries", underlying="NOBODY")
    ask("/fo/expiries", underlying="NOBODY", at="junk")
    assert requests(**labels) == before + 2


def test_the_path_of_a_metric_is_the_route_and_never_the_url(ask: Asker) -> None:
    before = requests(path="unmatched")
    ask.client.get("/fo/expiries?underlying=SECRET1")
    ask.client.get("/no/such/SECRET2")
    ask.client.get("/admin/fo_analytics/underlying/31415/change/")
    labels = [str(held) for _, held, _ in scrape()]
    assert not any(word in text for text in labels for word in ("SECRET1", "SECRET2", "31415"))
    assert requests(path="unmatched") == before + 1


def test_an_invented_method_makes_no_label() -> None:
    APIClient().generic("BREW", "/health/live")
    assert {held["method"] for name, held, _ in scrape() if name == "http_requests_total"} <= {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
    }  # fmt: skip
    assert requests(method="other") >= 1


def test_durations_are_counted_like_requests() -> None:
    APIClient().get("/health/live")
    labels = {"method": "GET", "path": "/health/live"}
    counted = [v for n, held, v in scrape() if n == "http_request_duration_seconds_count" and labels == held]
    assert counted == [requests(**labels)]


def test_redis_is_connected_while_it_answers() -> None:
    assert ("redis_connected", {}, 1.0) in scrape()


@pytest.mark.usefixtures("without_redis")
def test_redis_is_not_connected_when_it_is_away_and_all_else_is_still_told() -> None:
    samples = scrape()
    assert ("redis_connected", {}, 0.0) in samples
    assert {"http_requests_total", "db_pool_size"} <= {name for name, _, _ in samples}


def test_what_ingest_did_is_told() -> None:
    service = feed([snapshot(FIRST)])
    beat(service)
    ticks = len(snapshot(FIRST)[1])
    values = {name: value for name, _, value in scrape()}
    assert (values["ingest_ticks_total"], values["ingest_bars_written_total"]) == (ticks, ticks)
    assert 0 <= values["ingest_heartbeat_age_seconds"] < 5


def test_a_pool_tells_its_size_and_what_is_free(server_environment: dict[str, str]) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "from tradingviz.core.metrics import exposition\n"
        "import tradingviz.urls\n"
        "connection.ensure_connection(); print(exposition().decode())\n"
        "connection.close(); print(exposition().decode())"
    )
    environment = {**server_environment, "DB_POOL_SIZE": "3"}
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    lines = [line.split() for line in told.stdout.splitlines() if line.startswith("db_pool_")]
    size, free = ([float(v) for name, v in lines if name == kind] for kind in ("db_pool_size", "db_pool_available"))
    assert size[0] - free[0] >= 1  # one is in use
    assert 1 <= free[1] <= size[1] <= 3
