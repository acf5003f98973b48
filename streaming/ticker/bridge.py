"""Messages of the earlier ticker service: one JSON object per Pub/Sub message, read into a contract and a tick.

Channels are `ticker:<name>:options` and `ticker:<name>:underlying`. Numbers may come as text, stamps in seconds,
milliseconds or as ISO text (IST without an offset); what cannot be read is refused with the kind of its fault.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from streaming.ticker.codec import LEVELS, Level, Number, TickRow, TwoSides

PATTERNS = ("ticker:*:options", "ticker:*:underlying")
MAX_STRIKE = 1e7
_IST = ZoneInfo("Asia/Kolkata")
_CHANNEL = re.compile(r"ticker:([^:]{1,32}):(options|underlying)")
_NAME = re.compile(r"[A-Za-z0-9 :&^_.\-]{1,40}")
_DAY_MONTH_YEAR = re.compile(r"(\d{1,2})[- ]?([A-Z]{3})[- ]?(\d{4}|\d{2})")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_KINDS = {"CE": "CE", "CALL": "CE", "C": "CE", "PE": "PE", "PUT": "PE", "P": "PE"}
# Stamps between 2000 and 2100, in milliseconds; a number is taken in the unit that brings it there.
_FIRST_MS, _LAST_MS = 946_684_800_000, 4_102_444_800_000
_UNITS = (1000, 1, 1e-3, 1e-6)

Fields = Mapping[str, Any]


class MalformedMessage(ValueError):
    """A message that cannot be read; `kind` says which part of it."""

    def __init__(self, kind: str, value: object = None) -> None:
        super().__init__(f"{kind}: {value!r:.200}")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class BridgedTick:
    """A contract as the message names it, and its tick.

    `underlying` is the name as sent, alias or not; `kind` SPOT, CE or PE; `token` the sender's, None where it gave
    none; `strike`, `last`, `bid` and `ask` in rupees; `ts` milliseconds UTC; volume of the day, open interest and
    quantities in units. None: not said. A side of the book that was said to be empty is 0.
    `depth` is that of `streaming.ticker.codec`.
    """

    underlying: str
    kind: str
    token: int | None
    expiry: date | None
    strike: float | None
    ts: int
    last: Number
    volume: Number = None
    oi: Number = None
    bid: Number = None
    bid_qty: Number = None
    ask: Number = None
    ask_qty: Number = None
    depth: TwoSides | None = None

    def row(self, token: int) -> TickRow:
        """Return the tick on the wire, under the master's token."""
        quote = (self.bid, self.bid_qty, self.ask, self.ask_qty)
        return (token, self.ts, self.last, self.volume, self.oi, *quote, self.depth)


def parse(channel: bytes, payload: bytes) -> BridgedTick:
    """Return what a message of a channel says; raises MalformedMessage and nothing else."""
    name, shape = _channel(channel)
    try:
        fields = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage("json", payload[:100]) from error
    if not isinstance(fields, dict):
        raise MalformedMessage("object", fields)
    return _option(name, fields) if shape == "options" else _spot(name, fields)


def _channel(channel: bytes) -> tuple[str, str]:
    match = _CHANNEL.fullmatch(channel.decode("utf-8", "replace"))
    if match is None:
        raise MalformedMessage("channel", channel)
    return match[1], match[2]


def _option(name: str, fields: Fields) -> BridgedTick:
    depth = _depth(fields.get("depth"))
    bid, bid_qty, ask, ask_qty = _quote(fields) if depth is None else _best(depth)
    return BridgedTick(
        underlying=_underlying(name, fields),
        kind=_kind(fields.get("type")),
        token=_token(fields.get("token")),
        expiry=_expiry(fields.get("expiry")),
        strike=_strike(fields.get("strike")),
        ts=_stamp(_first(fields, "ts", "timestamp")),
        last=_number("price", _first(fields, "price", "last_price", "ltp")),
        volume=_number("volume", fields.get("volume")),
        oi=_number("oi", fields.get("oi")),
        bid=bid,
        bid_qty=bid_qty,
        ask=ask,
        ask_qty=ask_qty,
        depth=depth,
    )


def _spot(name: str, fields: Fields) -> BridgedTick:
    """An index trades nothing itself, and the sender's volume is not the day's: it is left out."""
    last = _number("price", _first(fields, "close", "price", "last_price"))
    if last is None:
        raise MalformedMessage("price")
    ts = _stamp(_first(fields, "ts", "timestamp"))
    return BridgedTick(_underlying(name, fields), "SPOT", _token(fields.get("token")), None, None, ts, last)


def _first(fields: Fields, *names: str) -> object:
    """Return the first field that says something."""
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def _underlying(name: str, fields: Fields) -> str:
    """Return the message's symbol; the channel's name where it has none, or has the contract's own in its place."""
    symbol = fields.get("symbol")
    if symbol in (None, "", fields.get("tradingsymbol")):
        symbol = name
    if not isinstance(symbol, str) or not _NAME.fullmatch(symbol):
        raise MalformedMessage("symbol", symbol)
    return symbol


def _kind(value: object) -> str:
    kind = _KINDS.get(value.strip().upper()) if isinstance(value, str) else None
    if kind is None:
        raise MalformedMessage("type", value)
    return kind


def _token(value: object) -> int | None:
    """Return the sender's token, None where it is none: the contract says enough."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) and int(text) else None


def _number(kind: str, value: object) -> Number:
    """Return a finite number, None where nothing is said."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise MalformedMessage(kind, value)
    try:
        number = float(value.replace(",", "")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise MalformedMessage(kind, value)
    return number


def _strike(value: object) -> float:
    strike = _number("strike", value)
    if strike is None or not 0.01 <= strike <= MAX_STRIKE:
        raise MalformedMessage("strike", value)
    return round(strike, 2)


def _stamp(value: object) -> int:
    if isinstance(value, str) and not re.fullmatch(r"\s*[0-9.]+\s*", value):
        return _iso_stamp(value)
    number = _number("ts", value)
    for unit in _UNITS:
        if number is not None and _FIRST_MS <= number * unit < _LAST_MS:
            return round(number * unit)
    raise MalformedMessage("ts", value)


def _iso_stamp(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text.strip())
        ms = round((instant if instant.tzinfo else instant.replace(tzinfo=_IST)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise MalformedMessage("ts", text) from error
    if not _FIRST_MS <= ms < _LAST_MS or len(text.strip()) <= len("2026-02-02"):
        raise MalformedMessage("ts", text)
    return ms


def _expiry(value: object) -> date:
    """Return the date of 2026-02-24 (a time may follow), 24FEB26 or 24-Feb-2026."""
    text = value.strip().upper() if isinstance(value, str) else ""
    match = _DAY_MONTH_YEAR.fullmatch(text)
    try:
        if match is None:
            return date.fromisoformat(text[:10])
        year = int(match[3])
        return date(year + 2000 if year < 100 else year, _MONTHS.index(match[2]) + 1, int(match[1]))
    except ValueError as error:
        raise MalformedMessage("expiry", value) from error


# ---------------------------------------------------------------- quotes


def _quote(fields: Fields) -> tuple[Number, Number, Number, Number]:
    """Return the best bid and ask with their quantities from fields of their own."""
    return tuple(_number(name, fields.get(name)) for name in ("bid", "bid_qty", "ask", "ask_qty"))  # type: ignore[return-value]


def _best(depth: TwoSides) -> tuple[float, float, float, float]:
    """Return the best bid and ask with their quantities; a side without levels is quoted by nobody."""
    (bid, bid_qty, _), (ask, ask_qty, _) = (side[0] if side else (0.0, 0.0, None) for side in depth)
    return bid, bid_qty, ask, ask_qty


def _depth(depth: object) -> TwoSides | None:
    """Return the levels of both sides, best first; None where nothing is said of them."""
    if depth is None or depth == {}:
        return None
    if not isinstance(depth, dict):
        raise MalformedMessage("depth", depth)
    bids, asks = (_levels(_first(depth, *names)) for names in (("buy", "bids"), ("sell", "asks")))
    bids.sort(key=_price, reverse=True)
    asks.sort(key=_price)
    return bids[:LEVELS], asks[:LEVELS]


def _price(level: Level) -> float:
    return level[0]


def _levels(value: object) -> list[Level]:
    """Return the levels that are there: the senders fill up with zeros."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedMessage("depth", value)
    return [level for level in map(_level, value) if level[0] > 0 and level[1] > 0]


def _level(level: object) -> Level:
    if isinstance(level, dict):
        said: Sequence[object] = (level.get("price"), _first(level, "quantity", "qty"), level.get("orders"))
    elif isinstance(level, list) and len(level) >= 2:
        said = (*level, None)[:3]
    else:
        raise MalformedMessage("depth", level)
    price, quantity, orders = (_number("depth", each) for each in said)
    return price or 0.0, quantity or 0.0, orders
