"""The simulator's REST contract, asked over HTTP of the real process."""

import asyncio

import httpx
import pytest
import redis

from fo_analytics.master_file import DERIVATIVES
from streaming.domain.circuit import CircuitBreaker
from streaming.ticker.client import TickerClient, TickerUnavailable
from tests.integration.simulator.conftest import Simulator, Start
from tradingviz.core.clock import now_ms
from tradingviz.quickstart.processes import wait_until
from tradingviz.quickstart.simulator.app import Application
from tradingviz.quickstart.simulator.feed import Feed
from tradingviz.quickstart.simulator.market import Market


def test_tokens_are_subscribed_and_unsubscribed_in_bulk_and_twice_is_once(simulator: Simulator) -> None:
    tokens = simulator.tokens_of("NIFTY")
    assert len(tokens) > 1_000
    for _ in range(2):
        assert simulator.client.subscribe(tokens) == frozenset()
        assert simulator.client.subscriptions() == frozenset(tokens)
    for _ in range(2):
        simulator.client.unsubscribe(tokens[:700])
        assert simulator.client.subscriptions() == frozenset(tokens[700:])


def test_a_token_that_is_not_listed_is_named_and_the_others_are_taken(simulator: Simulator) -> None:
    known = simulator.tokens_of("BANKNIFTY")[:3]
    assert simulator.client.subscribe([*known, 1, 2**40]) == {1, 2**40}
    assert simulator.client.subscriptions() == frozenset(known)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/subscriptions", b"{", 400),
        ("POST", "/subscriptions", b'{"tokens": ["1"]}', 400),
        ("POST", "/subscriptions", b'{"tokens": [-1]}', 400),
        ("POST", "/subscriptions", b'{"tokens": [99999999999999999999]}', 400),
        ("POST", "/subscriptions", b'{"tokens": [1], "mode": "full"}', 400),
        ("POST", "/subscriptions", b'{"tokens": [' + b"1," * 500 + b"1]}", 400),
        ("DELETE", "/subscriptions", b"", 400),
        ("POST", "/subscriptions", b" " * (2 << 20), 400),
        ("PUT", "/subscriptions", b"", 405),
        ("GET", "/history?tokens=1&from=0", b"", 400),
        ("GET", "/history?tokens=1&from=1&to=60000", b"", 400),
        ("GET", "/history?tokens=x&from=0&to=60000", b"", 400),
        ("GET", "/history?tokens=1&from=0&to=864000000", b"", 400),
        ("GET", f"/history?from=0&to=60000&tokens={','.join(map(str, range(201)))}", b"", 400),
        ("POST", "/faults", b'{"kind": "fire"}', 400),
        ("POST", "/faults", b'{"kind": "flood", "factor": 0}', 400),
        ("GET", "/", b"", 404),
        ("GET", "/faults", b"", 404),
    ],
)
def test_a_wrong_request_is_refused_and_says_why(
    shared: Simulator, method: str, path: str, body: bytes, status: int
) -> None:
    answer = shared.ask(method, path, content=body)
    assert answer.status_code == status
    assert len(answer.json()["detail"]) > 5


@pytest.fixture
def shared(on_sunday: Simulator) -> Simulator:
    """One without a process of its own: it starts sooner."""
    return on_sunday


def test_the_list_is_one_that_the_master_understands(on_sunday: Simulator) -> None:
    lines = [line.split(",") for line in on_sunday.client.instruments().decode().splitlines()]
    rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
    assert {row["exchange"] for row in rows} == {*DERIVATIVES, "NSE", "BSE"}
    assert len({row["instrument_token"] for row in rows}) == len(rows)
    weekly = {row["expiry"] for row in rows if row["name"] == "NIFTY" and row["expiry"]}
    assert {"2026-11-24", "2026-12-01", "2026-12-08"} <= weekly


def test_history_is_what_the_client_takes_and_ends_before_the_present_minute(simulator: Simulator) -> None:
    tokens = simulator.tokens_of("NIFTY")[500:650]
    now = now_ms()
    minute = now - now % 60_000
    found = simulator.client.history([*tokens, 5], from_ms=minute - 600_000, to_ms=minute + 600_000)
    assert found.keys() == set(tokens)
    assert max(candle.ts for candle in found[tokens[0]]) <= minute
    again = simulator.client.history(tokens, from_ms=minute - 600_000, to_ms=minute)
    assert again == {token: [c for c in candles if c.ts < minute] for token, candles in found.items()}


def test_faults_are_no_path_where_they_are_not_switched_on(redis_url: str) -> None:
    async def ask() -> int:
        application = Application(Feed(Market(1), redis.Redis.from_url(redis_url), clock=now_ms))
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
            return (await client.post("/faults", json={"kind": "silence"})).status_code

    assert asyncio.run(ask()) == 404


def test_a_service_that_died_is_left_alone_and_asked_again_when_it_is_back(simulator: Simulator, start: Start) -> None:
    port = int(simulator.url.rpartition(":")[2])
    now = [0.0]
    client = TickerClient(
        simulator.url, attempts=1, clock=lambda: now[0], breaker=CircuitBreaker(failures=2, rest=30.0)
    )
    assert client.subscriptions() == frozenset()
    start.end()
    for said in ("does not answer /subscriptions", "does not answer /subscriptions", "asked again in 30 s"):
        with pytest.raises(TickerUnavailable, match=said):
            client.subscriptions()
    start.begin(port)
    with pytest.raises(TickerUnavailable, match="asked again in 30 s"):
        client.subscriptions()
    now[0] = 31.0
    assert wait_until(lambda: client.subscriptions() == frozenset(), seconds=5)
