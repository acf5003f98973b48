"""What legs are to be in: found by token, by name, or by what it is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.symbols import canonical
from fo_analytics.models import Instrument, InstrumentKind, SupersededTerms
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.strike_distribution import expiries_as_of
from strategies.domain.legs import Kind
from tradingviz.core.errors import InvalidRequest, naming

NEAREST_SHOWN = 10
Terms = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An instrument as a client names it: by `token`, by `tradingsymbol`, or by `underlying` and what it is.

    `kind` is strategies.domain.legs.Kind's (EQ: a stock's share), `expiry` a date or a label, `strike` rupees. Of a
    trading symbol that two underlyings have, `underlying` tells which.
    """

    token: int | None = None
    tradingsymbol: str = ""
    underlying: str = ""
    kind: str = ""
    expiry: str = ""
    strike: Decimal | None = None


def find_instrument(*, named: Named, as_of: datetime) -> Instrument:
    """Return the instrument, with its underlying; labels are those of an aware instant.

    Raises InvalidRequest naming the field that leads nowhere.
    """
    terms = _terms(named, as_of)
    return _meant(named, terms, _listed([terms]))


def find_instruments(*, named: Sequence[Named]) -> list[Instrument]:
    """Return the instruments of legs, in order; labels are those of now. A query for each way of naming.

    Raises InvalidRequest as `find_instrument`, the field after `legs.<place>`.
    """
    wanted: list[Terms] = []
    for place, one in enumerate(named):
        with naming(f"legs.{place}"):
            wanted.append(_terms(one, None))
    listed, found = _listed(wanted), []
    for place, (one, terms) in enumerate(zip(named, wanted, strict=True)):
        with naming(f"legs.{place}"):
            found.append(_meant(one, terms, listed))
    return found


def lot_sizes(*, instruments: Sequence[Instrument], day: date) -> dict[int, int]:
    """Return the units in a lot that held on a day, by the instruments' keys. One query."""
    rows = SupersededTerms.objects.filter(instrument__in=instruments, valid_to__gte=day).order_by("-valid_to")
    superseded = dict(rows.values_list("instrument_id", "lot_size"))  # the earliest, which comes last, stays
    return {one.pk: superseded.get(one.pk, one.lot_size) for one in instruments}


def _terms(named: Named, as_of: datetime | None) -> Terms:
    """What an instrument must have, by names of fields."""
    if named.token is not None:
        return {"token": named.token}
    if named.tradingsymbol:
        of = {"underlying__symbol": canonical(named.underlying)} if named.underlying else {}
        return {"tradingsymbol": named.tradingsymbol, **of}
    if not named.underlying:
        raise InvalidRequest("name an instrument: token, tradingsymbol, or underlying with kind", field="token")
    underlying = find_underlying(name=named.underlying)
    if not named.kind:
        raise InvalidRequest("a kind is needed", field="kind", valid=[kind.value for kind in Kind])
    kind = Kind(named.kind)
    return {
        "underlying_id": underlying.pk,
        "kind": InstrumentKind.SPOT.value if kind is Kind.EQUITY else kind.value,
        "expiry": None if kind is Kind.EQUITY else _expiry(underlying.symbol, named.expiry, as_of),
        "strike": named.strike if kind.is_option else None,
    }


def _expiry(underlying: str, text: str, as_of: datetime | None) -> date:
    """The date of an expiry; that of a future need not be one of options."""
    if not text:
        raise InvalidRequest("an expiry is needed: a date, or a label like NWeek+0", field="expiry")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return expiries_as_of(underlying=underlying, at=None if as_of is None else to_ms(as_of))[1].resolve(text)


def _listed(wanted: Sequence[Terms]) -> list[Instrument]:
    """What has any of the terms; alike ones together, so that each query has an index."""
    alike: dict[tuple[str, ...], Q] = defaultdict(Q)
    for terms in wanted:
        alike[tuple(terms)] |= Q(**{name: value for name, value in terms.items() if value is not None}) & Q(
            **{f"{name}__isnull": True for name, value in terms.items() if value is None}
        )
    return [row for any_of in alike.values() for row in Instrument.objects.select_related("underlying").filter(any_of)]


def _meant(named: Named, terms: Terms, listed: Sequence[Instrument]) -> Instrument:
    """The one of what is listed that has the terms."""
    found = {row.pk: row for row in listed if _has(row, terms)}
    if not found:
        raise _not_listed(named, terms)
    if len(found) > 1:
        raise InvalidRequest("several instruments have that name: give a token", field="tradingsymbol")
    return next(iter(found.values()))


def _has(row: Instrument, terms: Terms) -> bool:
    known = {"underlying__symbol": row.underlying.symbol}
    return all((known[name] if name in known else getattr(row, name)) == value for name, value in terms.items())


def _not_listed(named: Named, terms: Terms) -> InvalidRequest:
    """What to tell: which expiries there are, or which strikes are near."""
    if "kind" not in terms:
        field = "tradingsymbol" if named.token is None else "token"
        return InvalidRequest(f"no instrument is known as {str(terms[field])[:64]!r}", field=field)
    listed = Instrument.objects.filter(underlying=terms["underlying_id"], kind=terms["kind"])
    of_expiry = listed.filter(expiry=terms["expiry"])
    if not of_expiry.exists():
        days = listed.order_by("-expiry").values_list("expiry", flat=True).distinct()[:NEAREST_SHOWN]
        problem = f"no {named.kind} of {named.underlying} expires then"
        return InvalidRequest(problem, field="expiry", valid=sorted(map(str, days)))
    if named.strike is None:
        return InvalidRequest("an option needs a strike", field="strike")
    wanted = named.strike
    strikes = (strike for strike in of_expiry.values_list("strike", flat=True) if strike is not None)
    near = sorted(strikes, key=lambda strike: abs(strike - wanted))[:NEAREST_SHOWN]
    return InvalidRequest("that strike is not listed", field="strike", valid=[f"{strike:f}" for strike in sorted(near)])
