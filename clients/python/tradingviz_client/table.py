"""A chain as lines of text. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from tradingviz_client.subscription import Update

IST = timezone(timedelta(hours=5, minutes=30), "IST")
Cell = Mapping[str, Any]

_COLUMNS = (("age", 6), ("OI", 12), ("IV %", 7), ("delta", 7), ("mark", 10))
_NOTHING = "-"


def table(update: Update, *, now: int, connection: str) -> list[str]:
    """Return the ladder of strikes with what concerns all of it above; `now` in ms UTC."""
    document = update.document
    head: Cell = document.get("head", {})
    rows = sorted(document.get("strikes", {}).values(), key=lambda row: float(row["strike"]))
    return [
        _title(head, update),
        state(update, now=now, connection=connection),
        "",
        _names(),
        *(_ladder(row, head.get("atm_strike"), now) for row in rows),
    ]


def state(update: Update, *, now: int, connection: str) -> str:
    """Return one line: LIVE, or STALE since when and why; the ages of the market and of the frame."""
    ages = f"market {age(now - update.ts_event)} old, sent {age(now - update.ts_sent)} ago, seq {update.seq}"
    if update.stale is None:
        return f"LIVE  {ages}"
    since = datetime.fromtimestamp(update.stale.since / 1000, IST).strftime("%H:%M:%S %Z")
    why = connection if update.stale.reason == "disconnected" else update.stale.reason
    return f"STALE since {since}: {why}  ({ages})"


def age(ms: float) -> str:
    """Return an age in the largest unit that fits; what lies in the future (another clock) is 0."""
    seconds = max(ms, 0.0) / 1000
    if seconds < 10:
        return f"{seconds:.1f}s"
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"


def _title(head: Cell, update: Update) -> str:
    facts = [
        f"{head.get('underlying', update.topic)} {head.get('expiry', '')}".strip(),
        f"forward {_number(head.get('forward'), 2)}",
        f"ATM {_number(head.get('atm_strike'), 0)}",
        f"IV {_percent(head.get('atm_iv'))} %",
        f"put/call OI {_number(head.get('pcr_oi'), 2)}",
        f"({update.convention})",
    ]
    return "  ".join(facts)


def _names() -> str:
    names = [f"{name:>{width}}" for name, width in _COLUMNS]
    return f"{''.join(names)} |{'CALL  strike  PUT':^19}| {''.join(_mirrored(names))}"


def _ladder(row: Cell, atm: float | None, now: int) -> str:
    strike = f"{row['strike']:,.10g}"
    middle = f">{strike}<" if row["strike"] == atm else strike
    return f"{''.join(_cells(row.get('call'), now))} |{middle:^19}| {''.join(_mirrored(_cells(row.get('put'), now)))}"


def _mirrored(cells: list[str]) -> list[str]:
    """The put's columns run the other way, so that both marks are next to the strike."""
    return cells[::-1]


def _cells(side: Cell | None, now: int) -> list[str]:
    found = side or {}
    stamp = max(found.get("last_ts") or 0, found.get("quote_ts") or 0)
    texts = [
        age(now - stamp) if stamp else _NOTHING,
        _number(found.get("oi"), 0),
        _percent(found.get("iv")),
        _number(found.get("delta"), 3),
        _number(found.get("mark"), 2),
    ]
    return [f"{text:>{width}}" for text, (_, width) in zip(texts, _COLUMNS, strict=True)]


def _number(value: float | None, places: int) -> str:
    return _NOTHING if value is None else f"{value:,.{places}f}"


def _percent(fraction: float | None) -> str:
    return _NOTHING if fraction is None else f"{fraction * 100:.2f}"
