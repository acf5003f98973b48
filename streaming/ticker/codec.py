"""Ticks on the wire and in memory.

Wire: a msgpack array of ticks, each `[token, ts_ms, ltp, volume, oi, bid, bid_qty, ask, ask_qty, depth|nil]`;
any of the numbers from `ltp` to `ask_qty` may be nil. In memory: one numpy column per field, because
everything downstream works on whole batches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Number = float | None
TickRow = tuple[int, int, Number, Number, Number, Number, Number, Number, Number, Any]

FIELDS = ("token", "ts", "last", "volume", "oi", "bid", "bid_qty", "ask", "ask_qty", "depth")


class MalformedBatch(ValueError):
    """Bytes that are no batch of ticks. `rows`: how many it seems to hold, None where that is unreadable."""

    def __init__(self, reason: str, rows: int | None = None) -> None:
        super().__init__(reason)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class TickBatch:
    """Columns of n ticks in order of arrival, nil as NaN.

    `token` instrument token; `ts` event time, ms since the Unix epoch UTC; `last` `bid` `ask` rupees;
    `volume` of the day so far, `oi`, `bid_qty` and `ask_qty` in units; `depth` whatever the ticker sent, or
    None; `not_a_number` marks the ticks that said NaN themselves.
    """

    token: Ints
    ts: Ints
    last: Floats
    volume: Floats
    oi: Floats
    bid: Floats
    bid_qty: Floats
    ask: Floats
    ask_qty: Floats
    depth: list[Any]
    not_a_number: Mask

    def __len__(self) -> int:
        """Return n."""
        return len(self.depth)


def join(batches: Sequence[TickBatch]) -> TickBatch:
    """Return one batch of several, in their order."""
    columns = {name: [getattr(batch, name) for batch in batches] for name in TickBatch.__slots__}
    depth = [levels for batch in batches for levels in batch.depth]
    return TickBatch(depth=depth, **{name: np.concatenate(parts) for name, parts in columns.items() if name != "depth"})


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[TickRow])
_counter = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode(rows: Iterable[TickRow]) -> bytes:
    """Return the wire form of ticks."""
    return _encoder.encode(list(rows))


def decode(payload: bytes) -> TickBatch:
    """Return the columns of a batch; raises MalformedBatch.

    One wrong row rejects the whole batch: it means that the sender and we disagree about the format, and then
    no row of it can be trusted. Values are not judged here, only their types.
    """
    try:
        rows = _decoder.decode(payload)
        columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(FIELDS)
        token, ts = (np.array(column, dtype=np.int64) for column in columns[:2])
    except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
        raise MalformedBatch(str(error), _count(payload)) from error
    numbers = np.array(columns[2:9], dtype=np.float64)  # None becomes NaN
    last, volume, oi, bid, bid_qty, ask, ask_qty = numbers
    nan = _not_a_number(columns[2:9], numbers)
    return TickBatch(token, ts, last, volume, oi, bid, bid_qty, ask, ask_qty, list(columns[9]), nan)


def _not_a_number(columns: list[Any], numbers: Floats) -> Mask:
    """Return which rows hold a NaN that was no nil; counting first keeps feeds without quotes fast."""
    found = np.zeros(numbers.shape[1], bool)
    for column, values in zip(columns, np.isnan(numbers), strict=True):
        if int(values.sum()) != column.count(None):
            found |= values & np.array([value is not None for value in column])
    return found


def _count(payload: bytes) -> int | None:
    try:
        return len(_counter.decode(payload))
    except (msgspec.MsgspecError, RecursionError):
        return None
