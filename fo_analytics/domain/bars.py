"""One-minute bars as a function of the *set* of their ticks.

A minute of n instruments is a record array of dtype MINUTE; `fold` makes one from ticks, `merge` joins two. Merging is
commutative, associative and idempotent, so late, repeated and shuffled ticks end in the same rows. Ticks are ordered by
(time stamp, cumulative volume, price): feeds stamp whole seconds, and volume tells the order within one.

Stamps are milliseconds UTC, 0 meaning none; prices rupees; volume and open interest units; NaN means absent.
"""

from enum import IntFlag

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.ticks import Floats, Ints, Mask, Ticks

_FLOATS = (
    "first_volume", "open", "high", "low", "last_volume", "close", "cumulative", "oi",
    "quote_volume", "bid", "bid_qty", "ask", "ask_qty",
)  # fmt: skip
_STAMPS = ("first_ts", "last_ts", "oi_ts", "quote_ts")
QUOTE = ("quote_ts", "quote_volume", "bid", "ask", "bid_qty", "ask_qty")  # also the order of quotes
MINUTE = np.dtype([(name, "i8") for name in _STAMPS] + [(name, "f8") for name in _FLOATS])

Minute = npt.NDArray[np.void]


class Flag(IntFlag):
    """What a bar's numbers need to be read with."""

    CATCH_UP = 1  # its volume holds that of the minutes before it, in which the feed was silent


def empty(count: int) -> Minute:
    """Return a minute of `count` instruments without ticks."""
    minute = np.zeros(count, MINUTE)
    for name in _FLOATS:
        minute[name] = np.nan
    return minute


def touched(minute: Minute) -> Mask:
    """Return the mask (n,) of instruments of which the minute knows anything."""
    seen = (minute["last_ts"] > 0) | (minute["oi_ts"] > 0) | (minute["quote_ts"] > 0)
    return np.asarray(seen | ~np.isnan(minute["cumulative"]))


def fold(ticks: Ticks) -> tuple[Ints, Minute]:
    """Return the slots (k,) that ticked and their partial bars (k,); all ticks lie within one minute."""
    volume = np.where(np.isnan(ticks.volume), 0.0, ticks.volume)  # to order by: 0 says no more than nothing
    order = np.lexsort((ticks.last, volume, ticks.ts, ticks.slot))
    ticks, volume = ticks.take(order), volume[order]
    slots, starts = np.unique(ticks.slot, return_index=True)
    minute = empty(len(slots))
    place = np.repeat(np.arange(len(slots)), np.diff(np.append(starts, len(ticks))))
    _fold_prices(minute, place, ticks, volume)
    _fold_open_interest(minute, place, ticks)
    _fold_quotes(minute, place, ticks, volume)
    return slots, minute


def _fold_prices(minute: Minute, place: Ints, ticks: Ticks, volume: Floats) -> None:
    """Fill open, high, low, close and the cumulative volume; `place` ascends."""
    minute["cumulative"] = np.fmax.reduceat(ticks.volume, _starts(place))
    priced = np.flatnonzero(ticks.last > 0)
    if not len(priced):
        return
    starts = _starts(place[priced])
    first, last = priced[starts], priced[_ends(starts, len(priced))]
    at = place[first]
    price = ticks.last[priced]
    for name, values in (
        ("first_ts", ticks.ts[first]),
        ("first_volume", volume[first]),
        ("open", ticks.last[first]),
        ("high", np.maximum.reduceat(price, starts)),
        ("low", np.minimum.reduceat(price, starts)),
        ("last_ts", ticks.ts[last]),
        ("last_volume", volume[last]),
        ("close", ticks.last[last]),
    ):
        minute[name][at] = values


def _fold_open_interest(minute: Minute, place: Ints, ticks: Ticks) -> None:
    """Fill the last open interest; a 0 counts only where nothing positive was seen."""
    said = np.flatnonzero(~np.isnan(ticks.oi))
    order = said[np.lexsort((ticks.oi[said], ticks.ts[said], ticks.oi[said] > 0, place[said]))]
    _take_last(minute, place, order, (("oi_ts", ticks.ts), ("oi", ticks.oi)))


def _fold_quotes(minute: Minute, place: Ints, ticks: Ticks, volume: Floats) -> None:
    """Fill the last best bid and ask; a side of 0 is quoted by nobody."""
    columns: dict[str, Ints | Floats] = {
        "quote_ts": ticks.ts,
        "quote_volume": volume,
        "bid": np.where(ticks.bid > 0, ticks.bid, np.nan),
        "ask": np.where(ticks.ask > 0, ticks.ask, np.nan),
        "bid_qty": ticks.bid_qty,
        "ask_qty": ticks.ask_qty,
    }
    quoted = np.flatnonzero(~np.isnan(ticks.bid) | ~np.isnan(ticks.ask))
    keys = [_comparable(columns[name])[quoted] for name in reversed(QUOTE)]
    order = quoted[np.lexsort([*keys, place[quoted]])]
    _take_last(minute, place, order, tuple(columns.items()))


def _take_last(minute: Minute, place: Ints, order: Ints, columns: tuple[tuple[str, Ints | Floats], ...]) -> None:
    """Write the last tick of each place; `order` is sorted by place, then age."""
    if len(order):
        last = order[_ends(_starts(place[order]), len(order))]
        for name, values in columns:
            minute[name][place[last]] = values[last]


def _starts(place: Ints) -> Ints:
    return np.flatnonzero(np.append(True, np.diff(place) != 0))


def _ends(starts: Ints, count: int) -> Ints:
    return np.append(starts[1:], count) - 1


def merge(a: Minute, b: Minute) -> Minute:
    """Return the bars (n,) of the union of the ticks of `a` and `b`."""
    merged = a.copy()
    _copy_where(merged, b, _earlier(b, a), ("first_ts", "first_volume", "open"))
    later = _follows(b, a, ("last_ts", "last_volume", "close"))
    _copy_where(merged, b, later, ("last_ts", "last_volume", "close"))
    merged["high"] = np.fmax(a["high"], b["high"])
    merged["low"] = np.fmin(a["low"], b["low"])
    merged["cumulative"] = np.fmax(a["cumulative"], b["cumulative"])
    positive_a, positive_b = a["oi"] > 0, b["oi"] > 0
    fresher = (positive_b & ~positive_a) | ((positive_b == positive_a) & _follows(b, a, ("oi_ts", "oi")))
    _copy_where(merged, b, fresher, ("oi_ts", "oi"))
    _copy_where(merged, b, _follows(b, a, QUOTE), QUOTE)
    return merged


def _copy_where(target: Minute, source: Minute, mask: Mask, names: tuple[str, ...]) -> None:
    for name in names:
        target[name][mask] = source[name][mask]


def _earlier(b: Minute, a: Minute) -> Mask:
    names = ("first_ts", "first_volume", "open")
    return np.asarray((b["first_ts"] > 0) & ((a["first_ts"] == 0) | _follows(a, b, names)))


def _follows(b: Minute, a: Minute, names: tuple[str, ...]) -> Mask:
    """Return where the key `names` of `b` is greater than that of `a`, read from left to right; NaN is smallest."""
    greater = np.zeros(len(a), bool)
    equal = np.ones(len(a), bool)
    for name in names:
        left, right = _comparable(b[name]), _comparable(a[name])
        greater |= equal & (left > right)
        equal &= left == right
    return greater


def _comparable(values: npt.NDArray[np.generic]) -> Floats:
    as_float = np.asarray(values, np.float64)
    return np.where(np.isnan(as_float), -np.inf, as_float)
