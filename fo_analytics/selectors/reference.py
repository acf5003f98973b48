"""Reference data: underlyings, their calendars, listed expiries and contracts; remembered for seconds."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from fo_analytics.domain import labels
from fo_analytics.domain.calendar import Calendar, from_ms, ist_date
from fo_analytics.domain.labels import LabelledExpiry, UnknownExpiry
from fo_analytics.domain.ladder import Ladder, ladder_on
from fo_analytics.domain.layout import Contract, Layout, arrange
from fo_analytics.domain.symbols import canonical
from fo_analytics.models import Instrument, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.sessions import calendar_of, sessions_stamp
from tradingviz.core.cache import remembered
from tradingviz.core.errors import InvalidRequest

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Listed:
    """An expiry of an underlying, when it was first listed (None: not known), and its last day where it was withdrawn
    before it came (None: it was not)."""

    expiry: date
    since: date | None
    until: date | None

    def is_known(self, day: date) -> bool:
        """Return whether it was listed by a day and not withdrawn before it; what has expired stays known."""
        return (self.since or date.min) <= day <= (self.until or date.max)


def find_underlying(*, name: str) -> Underlying:
    """Return the underlying of a symbol or alias. Raises InvalidRequest naming those there are."""
    symbol = canonical(name)
    found = _underlyings().get(symbol)
    # One that is not remembered may have been listed a moment ago. PostgreSQL is not asked for what it can not store.
    if found is None and symbol.isprintable():
        found = Underlying.objects.filter(symbol=symbol).first()
    if found is None:
        raise InvalidRequest(f"unknown underlying {name[:32]!r}", field="underlying", valid=sorted(_underlyings()))
    return found


@remembered(seconds=SECONDS)
def _underlyings() -> Mapping[str, Underlying]:
    return {row.symbol: row for row in Underlying.objects.all()}


def underlyings_by_key() -> Mapping[int, Underlying]:
    """Return every underlying by its primary key."""
    return {row.pk: row for row in _underlyings().values()}


@remembered(seconds=SECONDS)
def calendar(*, exchange: str) -> Calendar:
    """Return the exchange's calendar, read again where the table changed."""
    return _calendar(exchange=exchange, stamp=sessions_stamp())


@lru_cache(maxsize=8)
def _calendar(*, exchange: str, stamp: object) -> Calendar:
    del stamp  # all that it depends on: there is nothing to forget, and thousands of days take a tenth of a second
    return calendar_of(exchange=exchange)


@remembered(seconds=SECONDS)
def session_horizons() -> Mapping[str, date | None]:
    """Return, of each exchange with underlyings, the last day its sessions are known of; later ones are assumed."""
    exchanges = sorted({underlying.exchange for underlying in _underlyings().values()})
    return {exchange: calendar(exchange=exchange).known_until for exchange in exchanges}


@remembered(seconds=SECONDS)
def _listed(*, exchange: str) -> Mapping[str, tuple[Listed, ...]]:
    """Return the listed option expiries of every underlying of an exchange."""
    with connection.cursor() as cursor:
        cursor.execute(query("listed_expiries"), {"exchange": exchange})
        rows = cursor.fetchall()
    return {
        symbol: tuple(Listed(*dates) for _, *dates in listed) for symbol, listed in groupby(rows, key=itemgetter(0))
    }


@dataclass(frozen=True, slots=True)
class ExpiryTable:
    """The expiries of one underlying as of an instant (ms UTC); labels are those of `labels_ms`, of then or later."""

    calendar: Calendar
    as_of_ms: int
    labels_ms: int
    expiries: tuple[date, ...]
    monthly: frozenset[date]

    def alive(self) -> list[LabelledExpiry]:
        """Return those that have not expired at the labels' instant, with their labels."""
        return labels.labels_of(
            self.expiries, from_ms(self.labels_ms), monthly=self.monthly, expires_at=self.calendar.expires_at
        )

    def unexpired(self) -> list[date]:
        """Return those that had not expired at the instant, in order of time."""
        as_of = from_ms(self.as_of_ms)
        return sorted(expiry for expiry in self.expiries if as_of < self.calendar.expires_at(expiry))

    def resolve(self, label: str) -> date:
        """Return the expiry of a label or date. Raises InvalidRequest naming the valid ones."""
        try:
            return labels.resolve(
                label,
                self.expiries,
                from_ms(self.labels_ms),
                monthly=self.monthly,
                expires_at=self.calendar.expires_at,
            )
        except UnknownExpiry as error:
            raise InvalidRequest(str(error), field="expiry", valid=list(error.valid)) from error

    def nearest(self) -> date | None:
        """Return the first expiry to come, else the last one there was, else None."""
        alive = self.alive()
        return alive[0].expiry if alive else max(self.expiries, default=None)


def expiry_table(*, underlying: Underlying, as_of_ms: int) -> ExpiryTable:
    """Return the expiries listed as of an instant."""
    return _table(underlying, as_of_ms, date.min)


def expiry_named(*, underlying: Underlying, label: str, as_of_ms: int) -> date | None:
    """Return the expiry that bore a label (spelt as labels are) at an instant (ms UTC); None where none did."""
    # Only what is monthly depends on others: on which expiry is the last of its month, this one or a later one.
    first = ist_date(from_ms(as_of_ms)).replace(day=1)
    table = _table(underlying, as_of_ms, first, alone=label.startswith("NWeek"))
    return next((item.expiry for item in table.alive() if label in item.labels), None)


def _table(underlying: Underlying, as_of_ms: int, first: date, *, alone: bool = False) -> ExpiryTable:
    """Return the table of the expiries from `first` on; `alone` with no monthly ones but by its own listing."""
    day = ist_date(from_ms(as_of_ms))
    everyone = _listed(exchange=underlying.exchange)
    asked = (underlying.symbol,) if alone else everyone
    visible = {symbol: _visible(everyone.get(symbol, ()), first, day) for symbol in asked}
    monthly = labels.monthly_expiries(expiry for expiries in visible.values() for expiry in expiries)
    own = tuple(visible.get(underlying.symbol, ()))
    return ExpiryTable(calendar(exchange=underlying.exchange), as_of_ms, as_of_ms, own, monthly)


def _visible(listed: Sequence[Listed], first: date, day: date) -> list[date]:
    """Return the expiries from `first` on that were listed by a day, and not withdrawn."""
    begin = bisect_left(listed, first, key=attrgetter("expiry"))
    return [item.expiry for item in listed[begin:] if item.is_known(day)]


def chain_contracts(*, underlying_id: int, expiry: date) -> tuple[Contract, ...]:
    """Return the spot and all contracts of an expiry."""
    return contracts_listed(underlying_id=underlying_id, expiries=(expiry,))


def contracts_listed(*, underlying_id: int, expiries: Sequence[date]) -> tuple[Contract, ...]:
    """Return the spot and all contracts of some expiries; at most one query, whatever their number."""
    held = _held(underlying_id=underlying_id).contracts
    wanted = (None, *dict.fromkeys(expiries))
    if missing := [expiry for expiry in wanted if expiry not in held]:
        rows = Instrument.objects.filter(Q(expiry__in=expiries) | Q(kind="SPOT"), underlying_id=underlying_id)
        found: dict[date | None, list[Contract]] = defaultdict(list)
        for _, contract in contracts_of(rows):
            found[contract.expiry].append(contract)
        held.update({expiry: tuple(found[expiry]) for expiry in missing})
    return tuple(contract for expiry in wanted for contract in held[expiry])


def layout_listed(*, underlying_id: int, expires_at_ms: Mapping[date, int], day: date) -> Layout:
    """Return how the contracts listed on a day are arranged, of expiries whose instants are given (ms UTC).

    At most one query; a chain for each of the expiries, without strikes where none was listed.
    """
    held, key = _held(underlying_id=underlying_id).layouts, (day, tuple(expires_at_ms.items()))
    if key not in held:
        contracts = contracts_listed(underlying_id=underlying_id, expiries=tuple(expires_at_ms))
        held[key] = arrange(contracts, expires_at_ms, day, named=expires_at_ms.keys())
    return held[key]


def ladders_listed(*, underlying_id: int, wanted: Sequence[tuple[date, date]]) -> list[Ladder]:
    """Return the ladder of each expiry on a day, given as pairs; at most one query, whatever their number."""
    held = _held(underlying_id=underlying_id).ladders
    if missing := [pair for pair in dict.fromkeys(wanted) if pair not in held]:
        contracts_listed(underlying_id=underlying_id, expiries=[expiry for expiry, _ in missing])
        for expiry, day in missing:
            held[expiry, day] = ladder_on(expiry, chain_contracts(underlying_id=underlying_id, expiry=expiry), day)
    return [held[pair] for pair in wanted]


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of contracts, filled by those who ask.

    Contracts by expiry (None: the spot), layouts of them by day and expiries, ladders by expiry and day.
    """

    contracts: dict[date | None, tuple[Contract, ...]] = field(default_factory=dict)
    layouts: dict[tuple[date, tuple[tuple[date, int], ...]], Layout] = field(default_factory=dict)
    ladders: dict[tuple[date, date], Ladder] = field(default_factory=dict)


@remembered(seconds=SECONDS)
def _held(*, underlying_id: int) -> _Held:
    return _Held()


def contracts_of(instruments: QuerySet[Instrument]) -> Iterator[tuple[int, Contract]]:
    """Return rows of the master as the domain has them, in order of their keys, each with its underlying's key.

    Without model instances: ingest reads all of them whenever the master changes.
    """
    rows = instruments.order_by("pk", "superseded_terms__valid_to").values_list(
        "underlying_id", "pk", "token", "kind", "tick_size", "expiry", "strike", "valid_from", "valid_to",
        "superseded_terms__valid_to", "superseded_terms__tick_size",
    )  # fmt: skip
    # A row for each of its former terms; one where it has none.
    for _, group in groupby(rows, key=itemgetter(1)):
        found: list[tuple[Any, ...]] = list(group)
        underlying_id, pk, token, kind, tick_size, expiry, strike, since, until = found[0][:9]
        former = tuple((last, float(tick)) for *_, last, tick in found if last is not None)
        price = float("nan") if strike is None else float(strike)
        yield underlying_id, Contract(pk, token, kind, float(tick_size), expiry, price, since, until, former)


@dataclass(frozen=True, slots=True)
class Terms:
    """Units in a lot, and the tick in rupees."""

    lot_size: int
    tick_size: Decimal


def terms_on(*, instrument: Instrument, day: date) -> Terms:
    """Return the terms of a contract that held on a day."""
    superseded = instrument.superseded_terms.filter(valid_to__gte=day).order_by("valid_to").first()
    row = superseded or instrument
    return Terms(row.lot_size, row.tick_size)
