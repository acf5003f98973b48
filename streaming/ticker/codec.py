"""Ticks on the wire and in memory.

Wire: a msgpack array of ticks, each `[token, ts_ms, ltp, volume, oi, bid, bid_qty, ask, ask_qty, depth|nil]`;
any of the numbers from `ltp` to `ask_qty` may be nil. `depth` is `[bids, asks]`, each at most five levels
`[price, quantity, orders]`, best first; `orders` may be nil, and a level of zeros is one that is not there. In memory:
one numpy column per field, because everything downstream works on whole batches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Number = float | None
TickRow = tuple[int, int, Number, Number, Number, Number, Number, Number, Number, Any]

LEVELS = 5
Level = tuple[float, float, Number]
Side = Annotated[list[Level], msgspec.Meta(max_length=LEVELS)]
TwoSides = tuple[Side, Side]

FIELDS = ("token", "ts", "last", "volume", "oi", "bid", "bid_qty", "ask", "ask_qty", "depth")


class MalformedBatch(ValueError):
    """Bytes that are no batch of ticks. `rows`: how many it seems to hold, None where that is unreadable."""

    def __init__(self, reason: str, rows: int | None = None) -> None:
        super().__init__(reason)
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Depths:
    """The books of the m ticks of a batch that came with one.

    `row` (m,) is each one's tick, ascending. `levels` (m, 2, 5, 3): bids and asks, their levels as they came, price
    (rupees), quantity (units) and orders; zeros where there is no level, NaN orders where they were not said.
    `malformed`: ticks whose depth had another form, which is dropped.
    """

    row: Ints
    levels: Floats
    malformed: Ints


@dataclass(frozen=True, slots=True)
class TickBatch:
    """Columns of n ticks in order of arrival, nil as NaN.

    `token` instrument token; `ts` event time, ms since the Unix epoch UTC; `last` `bid` `ask` rupees;
    `volume` of the day so far, `oi`, `bid_qty` and `ask_qty` in units; `depth` of those that
    have it; `not_a_number` marks the ticks that said NaN themselves.
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
    depth: Depths
    not_a_number: Mask

    def __len__(self) -> int:
        """Return n."""
        return len(self.ts)


def join(batches: Sequence[TickBatch]) -> TickBatch:
    """Return one batch of several, in their order."""
    names = [name for name in TickBatch.__slots__ if name != "depth"]
    columns = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in names}
    return TickBatch(depth=_join_depths(batches), **columns)


def _join_depths(batches: Sequence[TickBatch]) -> Depths:
    begins = np.cumsum([0, *map(len, batches)]).tolist()
    placed = [(begin, batch.depth) for begin, batch in zip(begins, batches, strict=False)]
    return Depths(
        np.concatenate([depth.row + begin for begin, depth in placed]),
        np.concatenate([depth.levels for _, depth in placed]),
        np.concatenate([depth.malformed + begin for begin, depth in placed]),
    )


_Row = tuple[int, int, Number, Number, Number, Number, Number, Number, Number, TwoSides | None]
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[_Row])
_tolerant = msgspec.msgpack.Decoder(list[TickRow])
_counter = msgspec.msgpack.Decoder(list[msgspec.Raw])


def encode(rows: Iterable[TickRow]) -> bytes:
    """Return the wire form of ticks."""
    return _encoder.encode(list(rows))


def decode(payload: bytes) -> TickBatch:
    """Return the columns of a batch; raises MalformedBatch.

    One wrong row rejects the whole batch: it means that the sender and we disagree about the format, and then
    no row of it can be trusted. Depth is an addition: where only that is wrong, the tick stays. Values are not judged
    here, only their types.
    """
    try:
        rows, malformed = _rows(payload)
        columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(FIELDS)
        token, ts = (np.array(column, dtype=np.int64) for column in columns[:2])
    except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
        raise MalformedBatch(str(error), _count(payload)) from error
    numbers = np.array(columns[2:9], dtype=np.float64)  # None becomes NaN
    last, volume, oi, bid, bid_qty, ask, ask_qty = numbers
    nan = _not_a_number(columns[2:9], numbers)
    depth = _depths(columns[9], malformed)
    return TickBatch(token, ts, last, volume, oi, bid, bid_qty, ask, ask_qty, depth, nan)


def _rows(payload: bytes) -> tuple[list[_Row], list[int]]:
    """Return the rows, and which of them lost a depth that was none."""
    try:
        return _decoder.decode(payload), []
    except (msgspec.ValidationError, RecursionError):
        tolerated = _tolerant.decode(payload)
    books = [_book(row[9]) for row in tolerated]
    malformed = [place for place, book in enumerate(books) if book is None and tolerated[place][9] is not None]
    return [(*row[:9], book) for row, book in zip(tolerated, books, strict=True)], malformed


def _book(depth: Any) -> TwoSides | None:
    """Return a depth as it should be, None where it is not."""
    try:
        return msgspec.convert(depth, TwoSides | None)  # type: ignore[no-any-return]
    except (msgspec.ValidationError, RecursionError):
        return None


def _depths(column: Sequence[TwoSides | None], malformed: list[int]) -> Depths:
    """Return the books as arrays; what costs time happens only where there are any."""
    wrong, count = np.array(malformed, np.int64), len(column)
    if column.count(None) == count:
        return Depths(np.empty(0, np.int64), np.empty((0, 2, LEVELS, 3)), wrong)
    row = np.flatnonzero(np.fromiter((book is not None for book in column), bool, count))
    sides = list(chain.from_iterable(filter(None, column)))
    held = np.fromiter(map(len, sides), np.int64, len(sides))
    found = list(chain.from_iterable(chain.from_iterable(sides)))
    levels = np.zeros((len(sides), LEVELS, 3))
    levels[np.arange(LEVELS) < held[:, None]] = np.array(found, np.float64).reshape(-1, 3)
    return Depths(row, levels.reshape(-1, 2, LEVELS, 3), wrong)


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
