"""REST client of the ticker service: what the stream does not carry is asked for here."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from streaming.ticker.candles import Candle, MalformedCandles, decode
from tradingviz.core.errors import NotAvailable

TOKENS_A_CALL = 200
ATTEMPTS = 3
PAUSE_SECONDS = 0.2
MAX_BYTES = 64 << 20
_PIECE = 1 << 16
_TOO_MANY, _SERVER_ERROR = 429, 500


class TickerUnavailable(NotAvailable):
    """The ticker service does not answer, or not with what was asked for."""


class MalformedHistory(TickerUnavailable):
    """It answered something that is no history."""


class TickerClient:
    """Blocking calls, each tried a few times. Holds no connection, so threads may share it."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 10.0,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout` is in seconds: for one attempt as a whole, and for any silence within it."""
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._attempts = attempts
        self._sleep = sleep
        # The service is a neighbour: a proxy that the environment names is meant for the world outside.
        self._opener = build_opener(ProxyHandler({}))

    @property
    def address(self) -> str:
        """Return where it is, fit to be shown: without a login that the address may hold."""
        return urlsplit(self._base).netloc.rpartition("@")[2]

    def history(self, tokens: Iterable[int], *, from_ms: int, to_ms: int) -> dict[int, list[Candle]]:
        """Return the one-minute candles of instruments, ascending, that open in [from, to) (ms UTC).

        An instrument without candles may be absent. Raises TickerUnavailable.
        """
        found: dict[int, list[Candle]] = {}
        for some in _chunks(sorted(set(tokens)), TOKENS_A_CALL):
            asked = {"tokens": ",".join(map(str, some)), "from": from_ms, "to": to_ms}
            payload = self._get("/history", asked)
            try:
                found |= decode(payload, tokens=frozenset(some), from_ms=from_ms, to_ms=to_ms)
            except MalformedCandles as error:
                raise MalformedHistory(f"the ticker service at {self.address} answers no history: {error}") from error
        return found

    def _get(self, path: str, query: dict[str, Any]) -> bytes:
        """Return a body; tries again where a later attempt may succeed."""
        url = f"{self._base}{path}?{urlencode(query, safe=',')}"
        problem = ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5))
            try:
                return self._read(url)
            except HTTPError as error:
                error.close()
                problem = f"HTTP {error.code}"
                if error.code < _SERVER_ERROR and error.code != _TOO_MANY:
                    break
            except (OSError, HTTPException) as error:
                problem = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise TickerUnavailable(f"the ticker service at {self.address} does not answer {path}: {problem}")

    def _read(self, url: str) -> bytes:
        """Raises OSError or HTTPException; TimeoutError where the answer comes too slowly."""
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        response: HTTPResponse
        with self._opener.open(url, timeout=self._timeout) as response:
            while piece := response.read1(_PIECE):
                body += piece
                if len(body) > MAX_BYTES:
                    raise MalformedHistory(f"the ticker service at {self.address} answers without an end")
                if time.monotonic() > deadline:
                    raise TimeoutError("timed out")
        return bytes(body)


def _chunks(tokens: list[int], size: int) -> Iterator[list[int]]:
    for at in range(0, len(tokens), size):
        yield tokens[at : at + size]
