"""The client of the ticker service against real HTTP: what it asks, and every way in which it is not answered."""

import json
import socket
import time

import pytest

from streaming.ticker.candles import Candle
from streaming.ticker.client import MalformedHistory, TickerClient, TickerUnavailable
from tests.integration.backfill.ticker_service import TickerService, failing, reply, saying, silent, trickling

START = 1_770_003_900_000 // 60_000 * 60_000
END = START + 600_000
GOOD = [START, 10.0, 12.0, 9.0, 11.0, 650, 6500]


def answer(**changes: object) -> bytes:
    """Return an answer with one good candle of token 7, some of its members changed."""
    names = ("ts", "open", "high", "low", "close", "volume", "oi")
    candle = [changes.get(name, good) for name, good in zip(names, GOOD, strict=True)]
    return json.dumps({"candles": {"7": [candle]}}).encode()


def test_candles_are_those_that_were_served(ticker: TickerService, client: TickerClient) -> None:
    ticker.candles = {7: [[*GOOD], [START + 60_000, 11.0, 11.0, 11.0, 11.0, 0, None]], 8: [[START - 60_000, *GOOD[1:]]]}
    assert client.history([7, 8], from_ms=START, to_ms=END) == {
        7: [Candle(START, 10, 12, 9, 11, 650, 6500), Candle(START + 60_000, 11, 11, 11, 11, 0, None)]
    }
    assert ticker.asked == [{"tokens": "7,8", "from": str(START), "to": str(END)}]


def test_more_tokens_than_a_call_takes_are_asked_for_in_several(ticker: TickerService, client: TickerClient) -> None:
    ticker.candles = {token: [[*GOOD]] for token in range(450)}
    assert client.history(range(450), from_ms=START, to_ms=END).keys() == set(range(450))
    assert [len(query["tokens"].split(",")) for query in ticker.asked] == [200, 200, 50]


def test_nobody_is_asked_about_nothing(ticker: TickerService, client: TickerClient) -> None:
    assert client.history([], from_ms=START, to_ms=END) == {}
    assert ticker.asked == []


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_error_that_may_pass_is_tried_again(ticker: TickerService, client: TickerClient, status: int) -> None:
    ticker.candles = {7: [[*GOOD]]}
    ticker.respond = failing(status, times=2)
    assert len(client.history([7], from_ms=START, to_ms=END)[7]) == 1
    assert len(ticker.asked) == 3


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (503, 3), (400, 1), (404, 1), (401, 1)])
def test_an_error_that_stays_is_named(ticker: TickerService, client: TickerClient, status: int, attempts: int) -> None:
    ticker.respond = failing(status)
    with pytest.raises(TickerUnavailable, match=f"does not answer /history: HTTP {status}"):
        client.history([7], from_ms=START, to_ms=END)
    assert len(ticker.asked) == attempts


def test_waiting_between_attempts_is_anything_up_to_a_limit_that_grows(ticker: TickerService) -> None:
    waited: list[float] = []
    ticker.respond = failing(500)
    for _ in range(20):
        with pytest.raises(TickerUnavailable):
            TickerClient(ticker.url, attempts=4, sleep=waited.append).history([7], from_ms=START, to_ms=END)
    for attempt in range(3):
        pauses = waited[attempt::3]
        limit = 0.8 * 2**attempt
        assert all(0 <= pause <= limit for pause in pauses)
        assert len(set(pauses)) == 20
        assert min(pauses) < limit / 2 < max(pauses)


JUNK = {
    "no JSON": b"<html>",
    "nothing": b"",
    "half an answer": answer()[:-4],
    "no UTF-8": b'{"candles": {"7": "\xff"}}',
    "another shape": b'{"data": []}',
    "a list": b"[]",
    "null": b"null",
    "deep": b"[" * 100_000,
    "a token that is none": b'{"candles": {"x": []}}',
    "a token not asked for": b'{"candles": {"9": []}}',
    "a short candle": b'{"candles": {"7": [[1770003900000, 10, 12, 9, 11, 650]]}}',
    "a long candle": b'{"candles": {"7": [[1770003900000, 10, 12, 9, 11, 650, 1, 2]]}}',
    "NaN": answer(open=float("nan")),
    "an infinite price": answer(high=float("inf")),
    "a price of nought": answer(low=0),
    "a negative price": answer(low=-1.0),
    "a negative volume": answer(volume=-1),
    "a price as text": answer(close="11"),
    "a low above the close": answer(low=11.5),
    "a high below the open": answer(high=9.5),
    "a stamp within a minute": answer(ts=START + 1),
    "a stamp before the range": answer(ts=START - 60_000),
    "a stamp behind the range": answer(ts=END),
    "a stamp in seconds": answer(ts=START // 1000),
    "the same minute twice": json.dumps({"candles": {"7": [GOOD, GOOD]}}).encode(),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_an_answer_that_is_no_history_is_refused(ticker: TickerService, client: TickerClient, junk: bytes) -> None:
    ticker.respond = saying(junk)
    with pytest.raises(MalformedHistory, match="answers no history"):
        client.history([7], from_ms=START, to_ms=END)


def test_an_answer_without_an_end_is_refused(
    ticker: TickerService, client: TickerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streaming.ticker.client.MAX_BYTES", 1_000)
    ticker.respond = saying(b" " * 100_000)
    with pytest.raises(MalformedHistory, match="without an end"):
        client.history([7], from_ms=START, to_ms=END)


@pytest.mark.parametrize("respond", [silent(1.0), trickling])
def test_a_slow_service_is_given_up_in_time(ticker: TickerService, respond: object) -> None:
    ticker.respond = respond  # type: ignore[assignment]
    began = time.monotonic()
    with pytest.raises(TickerUnavailable, match="timed out"):
        TickerClient(ticker.url, timeout=0.2, attempts=2, sleep=lambda s: None).history([7], from_ms=START, to_ms=END)
    assert time.monotonic() - began < 3.0
    assert len(ticker.asked) == 2


def test_a_service_that_hangs_up_is_unavailable(ticker: TickerService, client: TickerClient) -> None:
    ticker.respond = silent(0)
    with pytest.raises(TickerUnavailable):
        client.history([7], from_ms=START, to_ms=END)


def test_a_service_that_is_away_is_named_without_its_login() -> None:
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes the port
        port = placeholder.getsockname()[1]
        client = TickerClient(f"http://user:secret@127.0.0.1:{port}/", sleep=lambda seconds: None)
        with pytest.raises(TickerUnavailable) as caught:
            client.history([7], from_ms=START, to_ms=END)
    assert f"127.0.0.1:{port} does not answer /history" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_proxy_of_the_environment_is_not_asked(
    ticker: TickerService, client: TickerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    direct = TickerClient(ticker.url, sleep=lambda seconds: None)
    assert direct.history([7], from_ms=START, to_ms=END) == {}


def test_an_address_may_have_a_path(ticker: TickerService) -> None:
    seen: list[str] = []

    def note(handler: object) -> bool:
        seen.append(handler.path)  # type: ignore[attr-defined]
        reply(handler, 200, b'{"candles": {}}')  # type: ignore[arg-type]
        return True

    ticker.respond = note
    TickerClient(f"{ticker.url}/ticker/").history([7], from_ms=START, to_ms=END)
    assert seen == [f"/ticker/history?tokens=7&from={START}&to={END}"]
