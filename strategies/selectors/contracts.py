"""Which contracts somebody means."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from fo_analytics.domain.symbols import canonical
from fo_analytics.models import Instrument, SupersededTerms
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.strike_distribution import expiries_as_of
from tradingviz.core.errors import InvalidRequest

Terms = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Named:
    """A contract by its token, by its trading symbol, or by underlying, kind (CE, PE, FUT, EQ), expiry and strike.

    The expiry is a date or a label; of a trading symbol that two underlyings have, `underlying` tells which.
    """

    token: int | None = None
    tradingsymbol: str | None = None
    underlying: str | None = None
    kind: str | None = None
    expiry: str | None = None
    strike: Decimal | None = None


def named_instruments(*, named: Sequence[Named]) -> list[Instrument]:
    """Return the contracts that are meant, in order. A query for each way of naming, whatever their number.

    Raises InvalidRequest where one is not said, or not listed; its field begins with the place.
    """
    wanted: list[Terms] = []
    for place, one in enumerate(named):
        with _at(place):
            wanted.append(_terms(one))
    found = _found(wanted)
    meant: list[Instrument] = []
    for place, terms in enumerate(wanted):
        with _at(place):
            meant.append(_only([row for row in found if _has(row, terms)]))
    return meant


def lot_sizes(*, instruments: Sequence[Instrument], day: date) -> dict[int, int]:
    """Return the units in a lot that held on a day, by the instruments' keys. One query."""
    rows = SupersededTerms.objects.filter(instrument__in=instruments, valid_to__gte=day).order_by("-valid_to")
    superseded = dict(rows.values_list("instrument_id", "lot_size"))  # the earliest, which comes last, stays
    return {one.pk: superseded.get(one.pk, one.lot_size) for one in instruments}


@contextmanager
def _at(place: int) -> Iterator[None]:
    try:
        yield
    except InvalidRequest as error:
        error.field = ".".join(part for part in (str(place), error.field) if part)
        raise


def _terms(named: Named) -> Terms:
    """What a contract must have, by names of fields."""
    if named.token is not None:
        return {"token": named.token}
    if named.tradingsymbol:
        of = {"underlying__symbol": canonical(named.underlying)} if named.underlying else {}
        return {"tradingsymbol": named.tradingsymbol, **of}
    if not (named.underlying and named.kind):
        raise InvalidRequest("name a contract by token, by tradingsymbol, or by underlying and kind")
    underlying = find_underlying(name=named.underlying)
    kind = "SPOT" if named.kind == "EQ" else named.kind
    expiry = None if kind == "SPOT" else _expiry(underlying.symbol, named.expiry)
    return {"underlying_id": underlying.pk, "kind": kind, "expiry": expiry, "strike": named.strike}


def _expiry(underlying: str, text: str | None) -> date:
    if not text:
        raise InvalidRequest("a derivative has an expiry: a date like 2026-02-03, or a label", field="expiry")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return expiries_as_of(underlying=underlying, at=None)[1].resolve(text)


def _found(wanted: Sequence[Terms]) -> list[Instrument]:
    """What has any of the terms; alike ones together, so that each query has an index."""
    alike: dict[tuple[str, ...], Q] = defaultdict(Q)
    for terms in wanted:
        alike[tuple(terms)] |= Q(**{name: value for name, value in terms.items() if value is not None}) & Q(
            **{f"{name}__isnull": True for name, value in terms.items() if value is None}
        )
    return [row for any_of in alike.values() for row in Instrument.objects.select_related("underlying").filter(any_of)]


def _has(row: Instrument, terms: Terms) -> bool:
    known = {"underlying__symbol": row.underlying.symbol}
    return all((known[name] if name in known else getattr(row, name)) == value for name, value in terms.items())


def _only(rows: Sequence[Instrument]) -> Instrument:
    found = {row.pk: row for row in rows}
    if not found:
        raise InvalidRequest("no such contract is listed")
    if len(found) > 1:
        raise InvalidRequest("several underlyings have a contract of this name: give a token", field="tradingsymbol")
    return next(iter(found.values()))
