"""Second marks: what held instruments were worth, second by second, as a function of the *set* of their ticks.

A raw mark is one last price or one quote, ordered among others of its instrument exactly as bars order ticks: by stamp,
the day's volume, then price. What a second, a minute or a bar closes at is therefore the same whoever computes it, and
marks may be repeated and joined in any order. Prices are whole *points* (0.00001 rupees), exact: a price has at most 4
decimals, a mid 5.
"""

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.bars import Minute
from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.chain import MAX_SPREAD_TICKS
from fo_analytics.domain.ticks import Floats, Ints, Mask, Ticks

Records = npt.NDArray[np.void]
Kinds = npt.NDArray[np.uint8]

LAST, WIDE, TIGHT = 0, 1, 2
"""Kinds of raw marks: a last price, a quote not worth a mid, and one that is."""

OF_LAST, OF_MID = 0, 1
"""What is added to twice an instrument's key to give the slot of its last price, and of its mid."""

NOBODY = -1  # the points of a side that nobody quotes
POINTS = 100_000  # in a rupee

RAW = np.dtype([(name, "<i8") for name in ("instrument", "kind", "ts", "volume", "price", "ask")])
"""`price` is the bid of a quote. `ts` milliseconds UTC; 0 is that of a quote there never was."""

PRICE = np.dtype([(name, "<i8") for name in ("slot", "ts", "price")])
"""A price in points and when it was made (milliseconds UTC)."""

# As stored: stamps count from the minute's open, and the kind stands behind the ask, which is compared last.
_STORED = np.dtype([("instrument", "<u4"), ("offset", "<i4"), ("volume", "<i8"), ("price", "<i8"), ("ask", "<i8")])
_NEVER = np.iinfo(np.int32).min
_KINDS = 4
_TIGHT_PART = 10  # a quote is tight below a tenth of bid + ask: 20 % of the mid
_TICK = 10  # points in the finest price
_HIGHEST = np.iinfo(np.int64).max


def points(prices: Floats) -> Ints:
    """Return prices (rupees, at most 4 decimals) as points, NOBODY for NaN, 0 and less."""
    known = prices > 0
    return np.where(known, np.rint(np.where(known, prices, 0.0) * (POINTS // _TICK)).astype(np.int64) * _TICK, NOBODY)


def of_ticks(ticks: Ticks, instrument: Ints, tick_size: Floats, with_quotes: Mask) -> Records:
    """Return raw marks of ticks (n,): last prices, and quotes where wanted. `tick_size` rupees; all (n,)."""
    volume = np.where(np.isnan(ticks.volume), 0.0, ticks.volume)
    quoted = with_quotes & (~np.isnan(ticks.bid) | ~np.isnan(ticks.ask))
    lasts = _lasts(instrument, ticks.ts, volume, ticks.last)
    return np.concatenate([lasts, _quotes(instrument, ticks.ts, volume, ticks.bid, ticks.ask, tick_size)[quoted]])


def of_state(state: Minute, instrument: Ints, tick_size: Floats, with_quotes: Mask) -> Records:
    """Return raw marks of the state (n,) at a minute's close: what later minutes begin with.

    Where quotes are wanted there is one even if there never was any, so that the last price counts as the mid.
    """
    lasts = _lasts(instrument, state["last_ts"], state["last_volume"], state["close"])
    volume = np.nan_to_num(state["quote_volume"])
    quotes = _quotes(instrument, state["quote_ts"], volume, state["bid"], state["ask"], tick_size)
    return np.concatenate([lasts, quotes[with_quotes]])


def _lasts(instrument: Ints, ts: Ints, volume: Floats, last: Floats) -> Records:
    price = points(last)
    return _raw(instrument, np.full(len(ts), LAST), ts, volume, price, np.zeros(len(ts), np.int64))[price > 0]


def _quotes(instrument: Ints, ts: Ints, volume: Floats, bid: Floats, ask: Floats, tick_size: Floats) -> Records:
    low, high = points(bid), points(ask)
    spread = high - low
    narrow = (_TIGHT_PART * spread < high + low) | (spread <= MAX_SPREAD_TICKS * points(tick_size))
    tight = (low > 0) & (high >= low) & narrow
    return _raw(instrument, np.where(tight, TIGHT, WIDE), ts, volume, low, high)


def _raw(instrument: Ints, kind: Ints, ts: Ints, volume: Floats, price: Ints, ask: Ints) -> Records:
    found = np.empty(len(ts), RAW)
    for name, column in zip(RAW.names or (), (instrument, kind, ts, np.nan_to_num(volume), price, ask), strict=True):
        found[name] = column
    return found


def newest(marks: Records, *, since: int = 0) -> Records:
    """Return, of each instrument's last prices and of its quotes, the newest in each second; sorted so.

    Everything before `since` (Unix seconds) counts as one second.
    """
    second = np.maximum(marks["ts"] // 1000, since - 1)
    first, last = (int(second.min()), int(second.max())) if len(marks) else (0, 0)
    width = last - first + 1
    # One number for instrument, last price or quote, and second: ticks come nearly sorted so, and one in each.
    group = (marks["instrument"] * 2 + (marks["kind"] != LAST)) * width + (second - first)
    order = np.argsort(group, kind="stable")
    group = group[order]
    ends = np.append(group[1:] != group[:-1], True)[: len(marks)]
    rivals = ~(ends & np.append(True, ends[:-1])[: len(marks)])
    if rivals.any():
        at = order[rivals]
        keys = [np.ascontiguousarray(marks[name][at]) for name in ("ask", "price", "volume", "ts")]
        order[rivals] = at[np.lexsort([*keys, group[rivals]])]
    return np.asarray(marks[order[ends]])


def prices(marks: Records, *, since: int) -> Records:
    """Return the prices (PRICE) that raw marks of a minute, in any order, say of its seconds and of what came before.

    One for each slot and second; of the time before `since` (the minute's open, Unix seconds) only the newest, and
    nothing made after the minute. The mid of a second is that of the newest quote by then, or the newest last price
    clamped into it: what `fo_analytics.domain.chain.mark` says of a bar.
    """
    marks = newest(marks[marks["ts"] < since * 1000 + MINUTE_MS], since=since)
    is_quote = marks["kind"] != LAST
    lasts, quotes = marks[~is_quote], marks[is_quote]
    found = _priced(lasts["instrument"] * 2 + OF_LAST, lasts["ts"], lasts["price"])
    if not len(quotes):
        return found
    return np.concatenate([found, _mids(lasts[np.isin(lasts["instrument"], quotes["instrument"])], quotes, since)])


def _priced(slot: Ints, ts: Ints, price: Ints) -> Records:
    found = np.empty(len(slot), PRICE)
    found["slot"], found["ts"], found["price"] = slot, ts, price
    return found


def _mids(lasts: Records, quotes: Records, since: int) -> Records:
    """Return the mids of every second in which a last price or a quote was made."""
    width = max(int(max(lasts["ts"].max(initial=0), quotes["ts"].max(initial=0))) // 1000 - since, 0) + 3
    keys = [_keys(marks, since, width) for marks in (lasts, quotes)]
    wanted = np.sort(np.concatenate(keys), kind="stable")
    wanted = wanted[np.append(True, wanted[1:] != wanted[:-1])]
    last_ts, last, _, _ = _at(lasts, keys[0], wanted, width)
    quote_ts, bid, ask, kind = _at(quotes, keys[1], wanted, width)
    tight = kind == TIGHT
    crossed = (bid > ask) & (ask > 0)
    low = np.where(crossed, 0, bid)
    high = np.where(crossed | (ask <= 0), _HIGHEST, ask)
    price = np.where(tight, (bid + ask) // 2, np.where(last > 0, np.clip(last, low, high), NOBODY))
    ts = np.where(tight, quote_ts, np.maximum(quote_ts, last_ts))
    # A last price changes nothing of a mid that is a quote's: that was made before.
    made_now = _second(ts, since) == wanted % width
    return np.asarray(_priced((wanted // width) * 2 + OF_MID, ts, price)[made_now & (price > 0)])


def _second(ts: Ints, since: int) -> Ints:
    """Seconds count from the one that stands for all before `since`."""
    return np.asarray(np.maximum(ts // 1000 - since + 1, 0))


def _keys(marks: Records, since: int, width: int) -> Ints:
    """Instrument and second as one number."""
    return np.asarray(marks["instrument"] * width + _second(marks["ts"], since))


def _at(marks: Records, keys: Ints, wanted: Ints, width: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return stamp, price, ask and kind of the newest mark by each instrument and second in `wanted`.

    Where there is none: what a quote says that nobody made.
    """
    place = np.searchsorted(keys, wanted, side="right") - 1
    place[np.append(keys, -1)[place] // width != wanted // width] = len(marks)
    nothing = (("ts", 0), ("price", NOBODY), ("ask", NOBODY), ("kind", WIDE))
    ts, price, ask, kind = (np.append(marks[name], none)[place] for name, none in nothing)
    return ts, price, ask, kind


def packed(marks: Records, *, minute: int) -> bytes:
    """Return raw marks as they are stored with a minute (its open, Unix seconds).

    Raises OverflowError where an instrument's key passes 32 bits.
    """
    if len(marks) and int(marks["instrument"].max()) > np.iinfo(np.uint32).max:
        raise OverflowError("an instrument's key is too large for the marks' format")
    stored = np.empty(len(marks), _STORED)
    stored["instrument"], stored["volume"], stored["price"] = marks["instrument"], marks["volume"], marks["price"]
    stored["offset"] = np.where(marks["ts"] > 0, marks["ts"] - minute * 1000, _NEVER)
    stored["ask"] = marks["ask"] * _KINDS + marks["kind"]
    return stored.tobytes()


def unpacked(blob: bytes, *, minute: int) -> Records:
    """Return the raw marks that were stored with a minute, some of them perhaps more than once."""
    stored = np.frombuffer(blob, _STORED)
    marks = np.empty(len(stored), RAW)
    marks["instrument"], marks["volume"], marks["price"] = stored["instrument"], stored["volume"], stored["price"]
    marks["ts"] = np.where(stored["offset"] == _NEVER, 0, stored["offset"].astype(np.int64) + minute * 1000)
    marks["ask"], marks["kind"] = np.divmod(stored["ask"], _KINDS)
    return marks
