"""Expiry labels: NWeek+n, NMonth+n and NQuarter+n, as of any instant.

An expiry counts until its expiry instant (exclusive), so at that instant the next one is first. Weeks are
the listed expiries in order of time, monthly ones among them. Dates are exchange dates (IST).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from fo_analytics.domain.calendar import IST, calendar_days

WEEKLY = "weekly"
MONTHLY = "monthly"
QUARTERLY = "quarterly"

ExpiresAt = Callable[[date], datetime]

_SERIES = {"week": "NWeek", "month": "NMonth", "quarter": "NQuarter"}
_QUARTER_MONTHS = (3, 6, 9, 12)
# A "+" pasted into a query string arrives as a space.
_LABEL = re.compile(r"N(week|month|quarter)[+ ]([0-9]{1,4})", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class UnknownExpiry(ValueError):
    """A label or date that names no listed expiry.

    `label` is what was asked for, `valid` the labels and then the dates that would do, `why` one sentence.
    """

    def __init__(self, label: str, why: str, valid: tuple[str, ...]) -> None:
        super().__init__(f"unknown expiry {label!r}: {why}")
        self.label = label
        self.why = why
        self.valid = valid


@dataclass(frozen=True, slots=True)
class LabelledExpiry:
    """A listed expiry as of an instant.

    `labels` in the order NWeek, NMonth, NQuarter; `days` are whole IST calendar days, 0 on the day itself.
    """

    expiry: date
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    days: int


def monthly_expiries(listed: Iterable[date]) -> frozenset[date]:
    """The last listed expiry of each calendar month.

    `listed` are the expiries of *all* underlyings of one exchange: one underlying's own last expiry of a
    month may be a weekly one, as long as its monthly contracts are not in the master.
    """
    last: dict[tuple[int, int], date] = {}
    for expiry in listed:
        month = (expiry.year, expiry.month)
        last[month] = max(expiry, last.get(month, expiry))
    return frozenset(last.values())


def classify(expiry: date, *, monthly: Collection[date]) -> tuple[str, ...]:
    """Kinds of an expiry: (weekly,), (monthly,) or (monthly, quarterly); `monthly` by `monthly_expiries`."""
    if expiry not in monthly:
        return (WEEKLY,)
    return (MONTHLY, QUARTERLY) if expiry.month in _QUARTER_MONTHS else (MONTHLY,)


def labels_of(
    expiries: Iterable[date], as_of: datetime, *, monthly: Collection[date], expires_at: ExpiresAt
) -> list[LabelledExpiry]:
    """Expiries of one underlying that have not expired at `as_of` (aware), in order of time, with labels.

    `monthly` by `monthly_expiries`; `expires_at` gives the expiry instant of a date.
    """
    series = _series(expiries, as_of, monthly, expires_at)
    return [
        LabelledExpiry(
            expiry=expiry,
            labels=tuple(f"{name}+{row.index(expiry)}" for name, row in series.items() if expiry in row),
            kinds=classify(expiry, monthly=monthly),
            days=calendar_days(expiry, as_of),
        )
        for expiry in series["NWeek"]
    ]


def resolve(
    label: str,
    expiries: Iterable[date],
    as_of: datetime,
    *,
    monthly: Collection[date],
    expires_at: ExpiresAt,
) -> date:
    """The expiry that a label or an ISO date means as of an aware instant.

    `expiries` are those of one underlying, in any order. Case does not matter, and a space may stand for
    the plus. A date need only be among them: it may have expired. Raises UnknownExpiry for anything else.
    """
    listed = frozenset(expiries)
    series = _series(listed, as_of, monthly, expires_at)
    text = label.strip()
    try:
        if match := _LABEL.fullmatch(text):
            return _nth(_SERIES[match[1].lower()], int(match[2]), series, as_of)
        return _listed_date(text, listed)
    except _NoSuchExpiry as error:
        raise UnknownExpiry(label, str(error), _valid(series, listed)) from None


class _NoSuchExpiry(Exception):
    """Why there is none; `resolve` adds what would be valid."""


def _series(
    expiries: Iterable[date], as_of: datetime, monthly: Collection[date], expires_at: ExpiresAt
) -> dict[str, list[date]]:
    weeks = sorted({expiry for expiry in expiries if as_of < expires_at(expiry)})
    months = [expiry for expiry in weeks if expiry in monthly]
    quarters = [expiry for expiry in months if expiry.month in _QUARTER_MONTHS]
    return {"NWeek": weeks, "NMonth": months, "NQuarter": quarters}


def _nth(name: str, n: int, series: dict[str, list[date]], as_of: datetime) -> date:
    row = series[name]
    if n < len(row):
        return row[n]
    instant = f"{as_of.astimezone(IST):%Y-%m-%d %H:%M:%S} IST"
    if not series["NWeek"]:
        raise _NoSuchExpiry(f"no expiry is listed after {instant}")
    if not row:
        raise _NoSuchExpiry(f"no expiry listed after {instant} is {_kind_of(name)}")
    raise _NoSuchExpiry(f"the last one listed after {instant} is {name}+{len(row) - 1}, {row[-1]}")


def _kind_of(name: str) -> str:
    return MONTHLY if name == "NMonth" else QUARTERLY


def _listed_date(text: str, listed: Collection[date]) -> date:
    try:
        expiry = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        expiry = None
    if expiry is None:
        raise _NoSuchExpiry("it is neither NWeek+n, NMonth+n or NQuarter+n nor a date like 2026-02-03")
    if expiry not in listed:
        raise _NoSuchExpiry("no contract of this underlying is listed with that date")
    return expiry


def _valid(series: dict[str, list[date]], listed: Collection[date]) -> tuple[str, ...]:
    labels = [f"{name}+{n}" for name, row in series.items() for n in range(len(row))]
    return (*labels, *(expiry.isoformat() for expiry in sorted(listed)))
