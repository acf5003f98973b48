"""/metrics: the promised names, and labels from closed sets."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from prometheus_client.parser import text_string_to_metric_families

from tests.api.market import FIRST, beat, feed, forget_everything, snapshot
from tests.rig.asgi import asking

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
def fresh(transactional_db: None, redis_url: str) -> Iterator[None]:
    """Nothing remembered."""
    forget_everything()
    yield
    forget_everything()


async def scrape() -> list[Sample]:
    """Return the samples as Prometheus reads them."""
    async with asking() as client:
        response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(response.text)
    return [(sample.name, sample.labels, sample.value) for family in families for sample in family.samples]


async def requests(**labels: str) -> float:
    """Return how many requests of some labels were counted."""
    found = [
        value
        for name, held, value in await scrape()
        if name == "http_requests_total" and labels.items() <= held.items()
    ]
    return sum(found)


async def ask(path: str, method: str = "GET") -> None:
    """Ask as nobody."""
    async with asking() as client:
        await client.request(method, path)


async def test_the_promised_names_are_there() -> None:
    await scrape()
    assert {name for name, _, _ in await scrape()} >= PROMISED


async def test_requests_are_counted_by_route_method_and_status() -> None:
    labels = {"method": "GET", "path": "/fo/expiries", "status": "401"}
    before = await requests(**labels)
    await ask("/fo/expiries?underlying=NOBODY")
    await ask("/fo/expiries?underlying=NOBODY&at=junk")
    assert await requests(**labels) == before + 2


async def test_the_path_of_a_metric_is_the_route_and_never_the_url() -> None:
    before = await requests(path="unmatched")
    for path in ("/fo/expiries?underlying=SECRET1", "/no/such/SECRET2", "/admin/fo_analytics/underlying/31415/change/"):
        await ask(path)
    labels = [str(held) for _, held, _ in await scrape()]
    assert not any(word in text for text in labels for word in ("SECRET1", "SECRET2", "31415"))
    assert await requests(path="unmatched") == before + 1


async def test_an_invented_method_makes_no_label() -> None:
    await ask("/health/live", method="BREW")
    assert {held["method"] for name, held, _ in await scrape() if name == "http_requests_total"} <= {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
    }  # fmt: skip


async def test_durations_are_counted_like_requests() -> None:
    await ask("/health/live")
    labels = {"method": "GET", "path": "/health/live"}
    counted = [v for n, held, v in await scrape() if n == "http_request_duration_seconds_count" and labels == held]
    assert counted == [await requests(**labels)]


async def test_redis_is_connected_while_it_answers() -> None:
    assert ("redis_connected", {}, 1.0) in await scrape()


@pytest.mark.usefixtures("without_redis")
async def test_redis_is_not_connected_when_it_is_away_and_all_else_is_still_told() -> None:
    await ask("/health/live")
    samples = await scrape()
    assert ("redis_connected", {}, 0.0) in samples
    assert {"http_requests_total", "db_pool_size"} <= {name for name, _, _ in samples}


async def test_what_ingest_did_is_told() -> None:
    await sync_to_async(lambda: beat(feed([snapshot(FIRST)])))()
    ticks = len(snapshot(FIRST)[1])
    values = {name: value for name, _, value in await scrape()}
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
