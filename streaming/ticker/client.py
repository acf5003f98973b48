"""REST client of the ticker service: what the stream does not carry is asked for here."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import msgspec

from streaming.domain.circuit import CircuitBreaker
from streaming.ticker.candles import Candle, MalformedCandles, decode
from tradingviz.core.errors import NotAvailable

HISTORY_TOKENS = 200
TOKENS_A_CALL = 500
ATTEMPTS = 3
PAUSE_SECONDS = 0.4
LONGEST_PAUSE = 5.0
MAX_BYTES = 64 << 20
_PIECE = 1 << 16
_TOO_MANY, _SERVER_ERROR = 429, 500

_Answer = TypeVar("_Answer")


class TickerUnavailable(NotAvailable):
    """The ticker service does not answer, or not with what was asked for."""


class MalformedHistory(TickerUnavailable):
    """It answered something that is no history."""


class _Refused(Exception):
    """An answer that says that the request is wrong: it would be so again."""


class _GivenUp(Exception):
    """No attempt was answered well."""


class _Subscribed(msgspec.Struct, frozen=True):
    tokens: frozenset[int]


class _Taken(msgspec.Struct, frozen=True):
    unknown: frozenset[int] = frozenset()


class TickerClient:
    """Blocking calls, each tried a few times: all of them may be repeated without harm, as the contract says.

    Threads may share it. A service that keeps failing is left alone for a while: calls then fail at once.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float = 10.0,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        """`timeout` is in seconds: for one attempt as a whole, and for any silence within it. `clock` is in seconds."""
        self._base = base_url.rstrip("/")
        self._timeout = timeout
        self._attempts = attempts
        self._sleep = sleep
        self._clock = clock
        self._breaker = breaker or CircuitBreaker()
        self._lock = threading.Lock()
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
        for some in _chunks(tokens, HISTORY_TOKENS):
            asked = {"tokens": ",".join(map(str, some)), "from": from_ms, "to": to_ms}
            payload = self._call("GET", f"/history?{urlencode(asked, safe=',')}")
            try:
                found |= decode(payload, tokens=frozenset(some), from_ms=from_ms, to_ms=to_ms)
            except MalformedCandles as error:
                raise MalformedHistory(f"the ticker service at {self.address} answers no history: {error}") from error
        return found

    def subscriptions(self) -> frozenset[int]:
        """Return the tokens that are subscribed. Raises TickerUnavailable."""
        return self._decoded(self._call("GET", "/subscriptions"), _Subscribed).tokens

    def subscribe(self, tokens: Iterable[int]) -> frozenset[int]:
        """Have the ticks of instruments sent, too; return the tokens that the service does not know.

        In calls of TOKENS_A_CALL: where one fails, those before it hold. Raises TickerUnavailable.
        """
        answers = [self._change("POST", some) for some in _chunks(tokens, TOKENS_A_CALL)]
        return frozenset().union(*(self._decoded(answer, _Taken).unknown for answer in answers))

    def unsubscribe(self, tokens: Iterable[int]) -> None:
        """Have the ticks of instruments sent no more. Raises TickerUnavailable."""
        for some in _chunks(tokens, TOKENS_A_CALL):
            self._change("DELETE", some)

    def instruments(self) -> bytes:
        """Return the service's list of instruments (CSV in Kite's form). Raises TickerUnavailable."""
        return self._call("GET", "/instruments")

    def _change(self, method: str, tokens: list[int]) -> bytes:
        return self._call(method, "/subscriptions", msgspec.json.encode({"tokens": tokens}))

    def _decoded(self, payload: bytes, shape: type[_Answer]) -> _Answer:
        try:
            return msgspec.json.decode(payload, type=shape)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise TickerUnavailable(f"the ticker service at {self.address} answers nonsense: {error}") from error

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return a body, where the breaker lets the call pass, and tell it how the call ended."""
        name = path.partition("?")[0]
        with self._lock:
            if not self._breaker.allow(self._clock()):
                wait = self._breaker.wait(self._clock())
                raise TickerUnavailable(f"the ticker service at {self.address} failed: asked again in {wait:.0f} s")
        request = Request(f"{self._base}{path}", data=body, method=method)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            answer = self._try(request)
        except _Refused as refusal:
            self._note(well=True)  # it is alive, and we are wrong
            raise self._unavailable(name, refusal) from refusal
        except _GivenUp as error:
            self._note(well=False)
            raise self._unavailable(name, error) from error
        except TickerUnavailable:
            self._note(well=False)
            raise
        self._note(well=True)
        return answer

    def _unavailable(self, name: str, problem: Exception) -> TickerUnavailable:
        return TickerUnavailable(f"the ticker service at {self.address} does not answer {name}: {problem}")

    def _note(self, *, well: bool) -> None:
        with self._lock:
            if well:
                self._breaker.succeeded()
            else:
                self._breaker.failed(self._clock())

    def _try(self, request: Request) -> bytes:
        """Return a body; tries again where a later attempt may succeed. Raises _Refused and _GivenUp."""
        problem = ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0.0, min(LONGEST_PAUSE, PAUSE_SECONDS * 2**attempt)))
            try:
                return self._read(request)
            except HTTPError as error:
                error.close()
                problem = f"HTTP {error.code}"
                if error.code < _SERVER_ERROR and error.code != _TOO_MANY:
                    raise _Refused(problem) from error
            except (OSError, HTTPException) as error:
                problem = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise _GivenUp(problem)

    def _read(self, request: Request) -> bytes:
        """Raises OSError or HTTPException; TimeoutError where the answer comes too slowly."""
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        response: HTTPResponse
        with self._opener.open(request, timeout=self._timeout) as response:
            while piece := response.read1(_PIECE):
                body += piece
                if len(body) > MAX_BYTES:
                    raise MalformedHistory(f"the ticker service at {self.address} answers without an end")
                if time.monotonic() > deadline:
                    raise TimeoutError("timed out")
        return bytes(body)


def _chunks(tokens: Iterable[int], size: int) -> Iterator[list[int]]:
    wanted = sorted(set(tokens))
    for at in range(0, len(wanted), size):
        yield wanted[at : at + size]
