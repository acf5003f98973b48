"""Candles on the wire: what the ticker service answers to `GET /history` (docs/protocol.md, "Ticker service")."""

from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

MINUTE_MS = 60_000

Price = Annotated[float, Meta(gt=0)]
Units = Annotated[float, Meta(ge=0)]


class MalformedCandles(ValueError):
    """Bytes that are no answer to what was asked."""


class Candle(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One minute of one instrument: `ts` its open (ms UTC), prices in rupees, `volume` the units traded in it, `oi` the
    open interest at its end in units, None where there is none. On the wire an array in this order."""

    ts: int
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Units
    oi: Units | None

    def __post_init__(self) -> None:
        """Refuse prices that contradict each other."""
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError(f"open and close of {self.ts} are not between low and high")


class _History(msgspec.Struct, frozen=True):
    candles: dict[int, list[Candle]]


_decoder = msgspec.json.Decoder(_History)


def decode(payload: bytes, *, tokens: frozenset[int], from_ms: int, to_ms: int) -> dict[int, list[Candle]]:
    """Return the candles of each token, ascending. Raises MalformedCandles.

    One candle that was not asked for or is out of order rejects the answer: the sender and we then disagree about the
    question, and no number of it can be trusted.
    """
    try:
        found = _decoder.decode(payload).candles
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedCandles(str(error)) from error
    if strangers := found.keys() - tokens:
        raise MalformedCandles(f"token {min(strangers)} was not asked for")
    for token, candles in found.items():
        _check_stamps(token, [candle.ts for candle in candles], from_ms, to_ms)
    return found


def _check_stamps(token: int, stamps: list[int], from_ms: int, to_ms: int) -> None:
    if any(ts % MINUTE_MS or not from_ms <= ts < to_ms for ts in stamps):
        raise MalformedCandles(f"token {token}: a candle is of no minute that was asked for")
    if any(later <= earlier for earlier, later in pairwise(stamps)):
        raise MalformedCandles(f"token {token}: the candles do not ascend")
