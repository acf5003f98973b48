"""Subscriptions by the client, against real HTTP that misbehaves, and how it leaves a broken service alone."""

import pytest

from streaming.domain.circuit import CircuitBreaker
from streaming.ticker.client import TickerClient, TickerUnavailable
from tests.integration.backfill.ticker_service import TickerService, failing, saying, silent


def test_many_tokens_go_in_calls_of_500(ticker: TickerService, client: TickerClient) -> None:
    assert client.subscribe(range(1_201)) == frozenset()
    assert [query["method"] for query in ticker.asked] == ["POST"] * 3
    assert ticker.subscribed == set(range(1_201))
    client.unsubscribe(range(600))
    assert [query["method"] for query in ticker.asked[3:]] == ["DELETE"] * 2
    assert ticker.subscribed == set(range(600, 1_201))


def test_nothing_to_change_asks_nobody(ticker: TickerService, client: TickerClient) -> None:
    client.subscribe([])
    client.unsubscribe([])
    assert ticker.asked == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_change_that_failed_is_tried_again(ticker: TickerService, client: TickerClient, status: int) -> None:
    ticker.respond = failing(status, times=2)
    client.subscribe([1, 2])
    assert ticker.subscribed == {1, 2}
    assert len(ticker.asked) == 3


@pytest.mark.parametrize(
    ("respond", "said"),
    [
        (failing(500), "HTTP 500"),
        (failing(400), "HTTP 400"),
        (silent(0), "does not answer /subscriptions"),
        (silent(3.0), "timed out"),
        (saying(b"<html>"), "answers nonsense"),
        (saying(b'{"tokens": ["a"]}'), "answers nonsense"),
        (saying(b"[" * 100_000), "answers nonsense"),
    ],
)
def test_what_is_no_answer_is_named(ticker: TickerService, respond: object, said: str) -> None:
    ticker.respond = respond  # type: ignore[assignment]
    client = TickerClient(ticker.url, timeout=0.5, attempts=1)
    ticker.candles = {}
    with pytest.raises(TickerUnavailable, match=said):
        client.subscriptions()


def test_a_service_that_keeps_failing_is_not_asked_until_it_had_its_rest(ticker: TickerService) -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, rest=30.0)
    client = TickerClient(ticker.url, attempts=2, sleep=lambda s: None, clock=lambda: now[0], breaker=breaker)
    ticker.respond = failing(503)
    for _ in range(10):
        with pytest.raises(TickerUnavailable):
            client.subscribe([1])
    assert len(ticker.asked) == 4
    now[0] = 30.0
    ticker.respond = failing(503, times=0)
    client.subscribe([1])
    client.subscribe([2])
    assert ticker.subscribed == {1, 2}


def test_a_refusal_is_no_failure_of_the_service(ticker: TickerService) -> None:
    client = TickerClient(ticker.url, breaker=CircuitBreaker(failures=1, rest=30.0))
    ticker.respond = failing(404)
    for _ in range(5):
        with pytest.raises(TickerUnavailable, match="HTTP 404"):
            client.subscribe([1])
    assert len(ticker.asked) == 5
