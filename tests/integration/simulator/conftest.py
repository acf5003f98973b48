"""The simulator as a process of its own, and as a server in this process whose clock says Sunday."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import redis
import uvicorn
from pytest_django.fixtures import Settings

from fo_analytics.domain.calendar import to_ms
from streaming.ticker.client import TickerClient
from tests.rig.data import REPOSITORY
from tradingviz.quickstart.preflight import LOOPBACK, free_port
from tradingviz.quickstart.processes import wait_until
from tradingviz.quickstart.simulator.app import Application
from tradingviz.quickstart.simulator.feed import Feed
from tradingviz.quickstart.simulator.market import Market

SUNDAY = to_ms(datetime(2026, 11, 21, 18, 50, tzinfo=UTC))  # 00:20 IST


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running one and ways to reach it."""

    url: str
    client: TickerClient
    redis: redis.Redis

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Return an answer."""
        return httpx.request(method, f"{self.url}{path}", timeout=20, **options)  # type: ignore[arg-type]

    def switch(self, kind: str, **terms: object) -> None:
        """Switch a fault."""
        assert self.ask("POST", "/faults", json={"kind": kind, **terms}).status_code == 200

    def tokens_of(self, symbol: str) -> list[int]:
        """Return the tokens of the contracts of an underlying."""
        lines = (line.split(",") for line in self.ask("GET", "/instruments").text.splitlines()[1:])
        return [int(line[0]) for line in lines if line[3] == symbol]


@dataclass(slots=True)
class Start:
    """Starts the process and ends it."""

    environment: dict[str, str]
    child: subprocess.Popen[bytes] | None = None

    def begin(self, port: int) -> None:
        """Start on a port and wait until it answers."""
        command = [sys.executable, "-m", "tradingviz.quickstart.simulator"]
        self.child = subprocess.Popen(command, cwd=REPOSITORY, env={**self.environment, "SIMULATOR_PORT": str(port)})
        assert wait_until(lambda: answers(f"http://{LOOPBACK}:{port}"), seconds=40)

    def end(self) -> None:
        """Kill it."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()


@pytest.fixture
def start(redis_url: str) -> Iterator[Start]:
    """A way to start it, with faults; it is ended after the test."""
    starter = Start({**os.environ, "REDIS_URL": redis_url, "SIMULATOR_FAULTS": "1"})
    yield starter
    starter.end()


@pytest.fixture
def simulator(start: Start, redis_url: str, settings: Settings) -> Simulator:
    """A process that has just started."""
    port = free_port()
    start.begin(port)
    return reached(port, redis_url, settings)


def answers(url: str) -> bool:
    """Return whether a simulator is up."""
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def reached(port: int, redis_url: str, settings: Settings) -> Simulator:
    """Return a simulator at a port; TICKER_SERVICE_URL is its address."""
    url = f"http://{LOOPBACK}:{port}"
    settings.TICKER_SERVICE_URL = url
    return Simulator(url, TickerClient(url, timeout=20.0), redis.Redis.from_url(redis_url))


def sunday() -> int:
    """Return a clock that began on a Sunday when this module was read."""
    return SUNDAY + int((time.monotonic() - _BEGAN) * 1000)


_BEGAN = time.monotonic()


@pytest.fixture
def on_sunday(redis_url: str, settings: Settings) -> Iterator[Simulator]:
    """A simulator in this process, on a Sunday."""
    client = redis.Redis.from_url(redis_url)
    feed = Feed(Market(1), client, clock=sunday)
    port = free_port()
    with serving(feed, port):
        yield reached(port, redis_url, settings)


@contextmanager
def serving(feed: Feed, port: int) -> Iterator[None]:
    """Serve a feed and let it send."""
    server = uvicorn.Server(uvicorn.Config(Application(feed, faults=True), port=port, log_config=None, lifespan="off"))
    threads = [threading.Thread(target=work) for work in (server.run, feed.run)]
    for thread in threads:
        thread.start()
    try:
        assert wait_until(lambda: server.started, seconds=20)
        yield
    finally:
        server.should_exit = True
        feed.stop()
        for thread in threads:
            thread.join()
