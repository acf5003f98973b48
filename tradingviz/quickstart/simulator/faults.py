"""Ways in which a feed may go wrong, switched on by tests."""

from typing import Annotated, Literal

import msgspec

from streaming.ticker.codec import TickRow
from tradingviz.quickstart.simulator.listing import KINDS

Sent = tuple[str, TickRow]
Kind = Literal["off", "silence", "flood", "repeats", "time_back", "wrong_spot"]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong, and for how many `seconds` (None: until it is switched off).

    silence: nothing is sent; flood: everything subscribed ticks `factor` times a frame; repeats: every batch comes
    twice; time_back: stamps are `ms` too early; wrong_spot: spots are multiplied by `factor`.
    """

    kind: Kind
    seconds: float | None = None
    factor: Annotated[float, msgspec.Meta(gt=0, le=1_000)] | None = None
    ms: int = 60_000


OFF = Fault("off")
FLOODED, MOVED = 4.0, 1.1


def distort(rows: list[Sent], fault: Fault) -> list[list[Sent]]:
    """Return the batches that are sent in place of one."""
    if fault.kind == "silence":
        return []
    if fault.kind == "repeats":
        return [rows, rows]
    if fault.kind == "time_back":
        return [[(name, (row[0], row[1] - fault.ms, *row[2:])) for name, row in rows]]
    if fault.kind == "wrong_spot":
        return [[(name, _moved(row, fault.factor or MOVED)) for name, row in rows]]
    return [rows]


def _moved(row: TickRow, factor: float) -> TickRow:
    """Return a spot's tick with another price; other ticks as they are."""
    token, ts, last, *rest = row
    if KINDS[token % len(KINDS)] != "SPOT" or last is None:
        return row
    return (token, ts, round(last * factor, 2), *rest)
