"""Which contract somebody means."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fo_analytics.domain.symbols import canonical
from fo_analytics.models import Instrument
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.strike_distribution import expiries_as_of
from tradingviz.core.errors import InvalidRequest


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


def named_instrument(*, named: Named) -> Instrument:
    """Return the contract that is meant. Raises InvalidRequest where it is not said, or not listed."""
    rows = Instrument.objects.select_related("underlying")
    if named.token is not None:
        found = list(rows.filter(token=named.token)[:1])
    elif named.tradingsymbol:
        rows = rows.filter(tradingsymbol=named.tradingsymbol)
        if named.underlying:
            rows = rows.filter(underlying__symbol=canonical(named.underlying))
        found = list(rows[:2])
    else:
        found = list(rows.filter(**_terms(named))[:1])
    if len(found) > 1:
        raise InvalidRequest("several underlyings have a contract of this name: give a token", field="tradingsymbol")
    if not found:
        raise InvalidRequest("no such contract is listed", field="")
    return found[0]


def _terms(named: Named) -> dict[str, object]:
    if not (named.underlying and named.kind):
        raise InvalidRequest("name a contract by token, by tradingsymbol, or by underlying and kind", field="")
    underlying = find_underlying(name=named.underlying)
    kind = "SPOT" if named.kind == "EQ" else named.kind
    terms: dict[str, object] = {"underlying": underlying, "kind": kind, "strike": named.strike, "expiry": None}
    if kind != "SPOT":
        terms["expiry"] = _expiry(underlying.symbol, named.expiry)
    return {name if value is not None else f"{name}__isnull": value or True for name, value in terms.items()}


def _expiry(underlying: str, text: str | None) -> date:
    if not text:
        raise InvalidRequest("a derivative has an expiry: a date like 2026-02-03, or a label", field="expiry")
    try:
        return date.fromisoformat(text)
    except ValueError:
        return expiries_as_of(underlying=underlying, at=None)[1].resolve(text)
