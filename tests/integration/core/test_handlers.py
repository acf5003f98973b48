"""HTTP requests through Django's handler: one thread, one message of headers, one of the body."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from tradingviz.core.handlers import OneThreadHandler

seen: list[str] = []


def note(**_: object) -> None:
    """Note the thread that a signal is sent in."""
    seen.append(threading.current_thread().name)


def page(request: HttpRequest) -> HttpResponse:
    """Answer with the request's body and two cookies."""
    note()
    response = HttpResponse(request.body, status=201, headers={"X-Script": request.path})
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Answer in pieces."""
    return StreamingHttpResponse(iter(["a", "b", "c"]))


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise RuntimeError


urlpatterns = [path(name, page) for name in ("page", "health", "health/live", "health/ready", "metrics")]
urlpatterns += [path("stream", stream), path("broken", broken)]


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        yield


def ask(where: str, *messages: dict[str, Any], root: str = "") -> list[dict[str, Any]]:
    """Return what the handler sends to a request that arrives in these messages."""
    scope: Any = {
        "type": "http", "method": "POST", "path": where, "root_path": root, "query_string": b"", "headers": [],
        "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    arriving, sent = iter(messages or ({"type": "http.request"},)), []

    async def receive() -> Any:
        return next(arriving)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(OneThreadHandler()(scope, receive, send))
    return sent


def test_an_answer_carries_status_headers_cookies_and_all_of_the_body() -> None:
    parts = {"type": "http.request", "body": b"hello ", "more_body": True}, {"type": "http.request", "body": b"there"}
    start, body = ask("/page", *parts)
    assert (start["type"], start["status"]) == ("http.response.start", 201)
    assert (b"X-Script", b"/page") in start["headers"]
    assert [value.partition(b";")[0] for name, value in start["headers"] if name == b"Set-Cookie"] == [
        b"one=1", b"two=2",
    ]  # fmt: skip
    assert body == {"type": "http.response.body", "body": b"hello there"}


def test_a_path_below_a_mount_keeps_its_prefix() -> None:
    assert (b"X-Script", b"/below/page") in ask("/below/page", root="/below")[0]["headers"]


def test_the_signals_and_the_view_share_one_thread_that_is_not_the_loop_s() -> None:
    request_started.connect(note)
    request_finished.connect(note)
    try:
        ask("/page")
    finally:
        request_started.disconnect(note)
        request_finished.disconnect(note)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert seen[0].startswith("http")


@pytest.mark.parametrize("where", ["/health", "/health/live", "/health/ready", "/metrics"])
def test_what_tells_whether_we_live_has_threads_of_its_own(where: str) -> None:
    ask(where)
    assert [name.partition("_")[0] for name in seen] == ["watch"]


def test_what_comes_in_pieces_leaves_whole() -> None:
    assert ask("/stream")[1]["body"] == b"abc"


def test_a_view_that_fails_is_a_500() -> None:
    start, _ = ask("/broken")
    assert start["status"] == 500


def test_whoever_leaves_while_asking_is_sent_nothing() -> None:
    assert ask("/page", {"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}) == []
    assert seen == []
