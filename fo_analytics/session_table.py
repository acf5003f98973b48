"""Read a table of trading sessions (TOML: regimes, holidays, special sessions) into sessions.

Pure: text in, sessions out. The table the project ships is `fixtures/trading_sessions.toml`, whose head
explains the format; every error names the date of the line at fault.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from fo_analytics.domain.calendar import (
    REGULAR,
    Hours,
    Interval,
    Session,
    is_weekend,
    ist_instant,
)

SHIPPED_TABLE = Path(__file__).parent / "fixtures" / "trading_sessions.toml"

_KIND = re.compile(r"[a-z][a-z_]{0,31}")

T = TypeVar("T")


class SessionTableError(ValueError):
    """The table contradicts itself or is not of the expected form; the message names the date."""


@dataclass(frozen=True, slots=True)
class _Special:
    kind: str
    clocks: tuple[tuple[time, time], ...]


@dataclass(frozen=True, slots=True)
class _Table:
    exchanges: tuple[str, ...]
    first: date
    last: date
    regimes: tuple[tuple[date, Hours], ...]
    holidays: frozenset[date]
    specials: Mapping[tuple[str, date], _Special]

    def hours_on(self, day: date) -> Hours:
        return [hours for since, hours in self.regimes if since <= day][-1]

    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


def parse(text: str) -> list[Session]:
    """Sessions of all exchanges of a table, in order of date and then exchange.

    Raises SessionTableError, with the date of the line at fault, for text that is no such table.
    """
    table = _read(text)
    return [
        session
        for day in table.days()
        for exchange in table.exchanges
        if (session := _session_of(table, exchange, day)) is not None
    ]


def _session_of(table: _Table, exchange: str, day: date) -> Session | None:
    special = table.specials.get((exchange, day))
    if special is None and (is_weekend(day) or day in table.holidays):
        return None
    hours = table.hours_on(day)
    clocks = (special.clocks if special else ()) or ((hours.opens, hours.closes),)
    kind = special.kind if special else REGULAR
    intervals = tuple(Interval(ist_instant(day, a), ist_instant(day, b)) for a, b in clocks)
    return Session(exchange, day, kind, intervals, ist_instant(day, _expiry_clock(hours, clocks)))


def _expiry_clock(hours: Hours, clocks: tuple[tuple[time, time], ...]) -> time:
    # An evening or split session may not trade at the usual expiry instant; contracts then run to its close.
    trading = any(opens < hours.expires <= closes for opens, closes in clocks)
    return hours.expires if trading else clocks[-1][1]


def _read(text: str) -> _Table:
    try:
        data = {"holidays": {}, "specials": []} | tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SessionTableError(f"not TOML: {error}") from error
    _only_keys(data, {"exchanges", "first", "last", "regimes", "holidays", "specials"}, "the table")
    exchanges = _exchanges(_field(data, "exchanges", list, "the table"), "the table")
    first, last = (_field(data, key, date, "the table") for key in ("first", "last"))
    if last < first:
        raise SessionTableError(f"{last}: the last date is before the first, {first}")
    table = _Table(exchanges, first, last, _regimes(data, first), _holidays(data), _specials(data, exchanges))
    _check_range(table)
    return table


def _regimes(data: Mapping[str, object], first: date) -> tuple[tuple[date, Hours], ...]:
    regimes = tuple(_regime(row) for row in _rows(data, "regimes"))
    starts = [since for since, _ in regimes]
    if not starts or starts[0] > first:
        raise SessionTableError(f"{first}: no regime holds on the first date")
    for earlier, later in pairwise(starts):
        if later <= earlier:
            raise SessionTableError(f"{later}: regimes must be in order of date, and this follows {earlier}")
    return regimes


def _regime(row: Mapping[str, object]) -> tuple[date, Hours]:
    since = _field(row, "from", date, "a regime")
    where = f"{since}: the regime"
    _only_keys(row, {"from", "opens", "closes", "expires"}, where)
    hours = Hours(*(_field(row, key, time, where) for key in ("opens", "closes", "expires")))
    if not hours.opens < hours.expires <= hours.closes:
        raise SessionTableError(f"{where} must open before it expires, and expire no later than it closes")
    return since, hours


def _holidays(data: Mapping[str, object]) -> frozenset[date]:
    return frozenset(_holiday(key) for key in _field(data, "holidays", dict, "the table"))


def _holiday(key: str) -> date:
    try:
        day = date.fromisoformat(key)
    except ValueError as error:
        raise SessionTableError(f"{key}: a holiday that is not a date") from error
    if is_weekend(day):
        raise SessionTableError(f"{day}: a holiday on a weekend, where it closes nothing; is the date right?")
    return day


def _specials(data: Mapping[str, object], exchanges: tuple[str, ...]) -> dict[tuple[str, date], _Special]:
    specials: dict[tuple[str, date], _Special] = {}
    for row in _rows(data, "specials"):
        day = _field(row, "date", date, "a special session")
        special = _special(row, day)
        for exchange in _special_exchanges(row, day, exchanges):
            if (exchange, day) in specials:
                raise SessionTableError(f"{day}: two special sessions of {exchange}")
            specials[exchange, day] = special
    return specials


def _special(row: Mapping[str, object], day: date) -> _Special:
    where = f"{day}: the special session"
    _only_keys(row, {"date", "kind", "exchanges", "intervals"}, where)
    kind = _field(row, "kind", str, where)
    if not _KIND.fullmatch(kind) or kind == REGULAR:
        raise SessionTableError(f"{where} needs a kind in lower case other than {REGULAR!r}, not {kind!r}")
    pairs = _field(row, "intervals", list, where) if "intervals" in row else []
    clocks = tuple(_clocks(pair, where) for pair in pairs)
    if any(later[0] < earlier[1] for earlier, later in pairwise(clocks)):
        raise SessionTableError(f"{where} has intervals that overlap or are out of order")
    return _Special(kind, clocks)


def _clocks(pair: object, where: str) -> tuple[time, time]:
    match pair:
        case [time() as opens, time() as closes] if opens < closes:
            return opens, closes
    raise SessionTableError(f"{where} has an interval that is not [open, later close]: {pair!r}")


def _special_exchanges(row: Mapping[str, object], day: date, known: tuple[str, ...]) -> tuple[str, ...]:
    if "exchanges" not in row:
        return known
    where = f"{day}: the special session"
    named = _exchanges(_field(row, "exchanges", list, where), where)
    if unknown := set(named) - set(known):
        raise SessionTableError(f"{where} names unknown exchanges: {', '.join(sorted(unknown))}")
    return named


def _exchanges(names: list[object], where: str) -> tuple[str, ...]:
    found = tuple(name for name in names if isinstance(name, str) and name)
    if not found or len(found) != len(names) or len(set(found)) != len(found):
        raise SessionTableError(f"{where} needs a list of different exchange names, not {names!r}")
    return found


def _check_range(table: _Table) -> None:
    days = table.holidays | {day for _, day in table.specials}
    if outside := sorted(day for day in days if not table.first <= day <= table.last):
        raise SessionTableError(f"{outside[0]}: outside the table's dates, {table.first} to {table.last}")


def _rows(data: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    rows = _field(data, key, list, "the table")
    if not all(isinstance(row, dict) for row in rows):
        raise SessionTableError(f"{key} must be a list of tables")
    return rows


def _field(row: Mapping[str, object], key: str, kind: type[T], where: str) -> T:
    value = row.get(key)
    # Not isinstance: a TOML date-time is a `date` too, and would carry a clock time along unseen.
    if type(value) is not kind:
        raise SessionTableError(f"{where} needs {key} of type {kind.__name__}, not {value!r}")
    return value


def _only_keys(row: Mapping[str, object], allowed: set[str], where: str) -> None:
    if unknown := set(row) - allowed:
        raise SessionTableError(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
