"""What a leg is to be in: found by token, by name, or by what it is."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from fo_analytics.domain.calendar import to_ms
from fo_analytics.models import Instrument, Underlying
from fo_analytics.selectors.reference import expiry_table, find_underlying
from tradingviz.core.errors import InvalidRequest

NEAREST_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An instrument as a client names it: by `token`, by `tradingsymbol`, or by `underlying` and what it is.

    `kind` is the master's (SPOT, FUT, CE, PE), `expiry` a date or a label, `strike` rupees.
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
    if named.token is not None:
        return _only(named.token, "token", token=named.token)
    if named.tradingsymbol:
        return _only(named.tradingsymbol, "tradingsymbol", tradingsymbol=named.tradingsymbol)
    if not named.underlying:
        raise InvalidRequest("name an instrument: token, tradingsymbol, or underlying with kind", field="token")
    return _described(named, as_of)


def _only(shown: object, field: str, **condition: object) -> Instrument:
    found = list(Instrument.objects.select_related("underlying").filter(**condition).order_by("pk")[:2])
    if not found:
        raise InvalidRequest(f"no instrument is known as {str(shown)[:64]!r}", field=field)
    if len(found) > 1:
        raise InvalidRequest("several instruments have that name: give a token", field=field)
    return found[0]


def _described(named: Named, as_of: datetime) -> Instrument:
    underlying = find_underlying(name=named.underlying)
    if not named.kind:
        raise InvalidRequest("a kind is needed", field="kind", valid=["FUT", "CE", "PE", "SPOT"])
    expiry = None if named.kind == "SPOT" else _expiry(underlying, named.expiry, as_of)
    rows = Instrument.objects.select_related("underlying").filter(underlying=underlying, kind=named.kind, expiry=expiry)
    found = rows.filter(strike=named.strike if named.kind in ("CE", "PE") else None).first()
    if found is None:
        raise _not_listed(named, expiry, underlying)
    return found


def _expiry(underlying: Underlying, text: str, as_of: datetime) -> date:
    """The date of an expiry; that of a future need not be one of options."""
    if not text:
        raise InvalidRequest("an expiry is needed: a date, or a label like NWeek+0", field="expiry")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return expiry_table(underlying=underlying, as_of_ms=to_ms(as_of)).resolve(text)


def _not_listed(named: Named, expiry: date | None, underlying: Underlying) -> InvalidRequest:
    """What to tell: which expiries there are, or which strikes are near."""
    listed = Instrument.objects.filter(underlying=underlying, kind=named.kind)
    of_expiry = listed.filter(expiry=expiry)
    if not of_expiry.exists():
        days = listed.order_by("-expiry").values_list("expiry", flat=True).distinct()[:NEAREST_SHOWN]
        return InvalidRequest(
            f"no {named.kind} of {underlying.symbol} expires then", field="expiry", valid=sorted(map(str, days))
        )
    if named.strike is None:
        return InvalidRequest("an option needs a strike", field="strike")
    wanted = named.strike
    strikes = (strike for strike in of_expiry.values_list("strike", flat=True) if strike is not None)
    near = sorted(strikes, key=lambda strike: abs(strike - wanted))[:NEAREST_SHOWN]
    return InvalidRequest("that strike is not listed", field="strike", valid=[f"{strike:f}" for strike in sorted(near)])
