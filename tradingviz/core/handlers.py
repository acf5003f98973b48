"""Django's part of the ASGI application: one visit to one thread answers a request."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpResponseBase
from django.urls import set_script_prefix

FEWEST_THREADS = 4
# What tells whether we live has threads of its own: requests that hang on a neighbour must not silence it. Whoever asks
# for /health may wait for neighbours for seconds, so that /health/live stands alone.
WATCH_THREADS = {"/health/live": 1, "/health": 16, "/health/ready": 16, "/metrics": 16}

Message = dict[str, Any]


class OneThreadHandler(ASGIHandler):
    """Django's handler, with all of a request in one thread.

    Every view and middleware here is synchronous. Django goes to a thread and back for the signals, the views and the
    end of each request, in a thread that it starts for it: that costs more than many an answer. Here the threads stay,
    as many as there may be connections to the database: nobody waits for one with a request half done. The paths of
    WATCH_THREADS use no connection of theirs and have other threads.
    """

    def __init__(self) -> None:
        super().__init__()
        threads = max(settings.DB_POOL_SIZE, FEWEST_THREADS)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="http")
        pools = {most: ThreadPoolExecutor(most, thread_name_prefix="watch") for most in {*WATCH_THREADS.values()}}
        self._watch = {path: pools[most] for path, most in WATCH_THREADS.items()}

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of a synchronous server."""
        super().load_middleware(is_async=False)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Read a request, answer it in a thread, send the answer. Who leaves before it is ready is told nothing."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        answer = partial(copy_context().run, self._answer, scope, body)
        threads = self._watch.get(scope["path"], self._threads)
        for message in await asyncio.get_running_loop().run_in_executor(threads, answer):
            await send(message)

    def _answer(self, scope: Any, body: Any) -> tuple[Message, Message]:
        """Return the messages of a request's answer."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        try:
            content = b"".join(response)
            start = {"type": "http.response.start", "status": response.status_code, "headers": _headers(response)}
            return start, {"type": "http.response.body", "body": content}
        finally:
            response.close()


def _headers(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    """Return a response's headers as ASGI has them."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    cookies = [cookie.output(header="").strip().encode("ascii") for cookie in response.cookies.values()]
    return headers + [(b"Set-Cookie", cookie) for cookie in cookies]
