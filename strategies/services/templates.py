"""Strategies made from templates, at what the chain says they are worth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import TradingAccount
from strategies.domain.entries import tradable
from strategies.domain.templates import TEMPLATES, TemplateError, TemplateLeg
from strategies.selectors.instruments import Named
from strategies.selectors.ladders import Market, market_of
from strategies.services.fills import Trade
from strategies.services.strategies import create_strategy
from strategies.services.trades import NewLeg
from tradingviz.core.errors import InvalidRequest

# What each template takes besides expiry and lots: what it needs, and what it has a default for.
CHOICES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "straddle": (frozenset({"side"}), frozenset({"place"})),
    "strangle": (frozenset({"side", "place"}), frozenset()),
    "vertical": (frozenset({"kind", "bought", "sold"}), frozenset()),
    "iron_condor": (frozenset({"place", "wing"}), frozenset()),
    "calendar": (frozenset({"kind", "place", "far_expiry"}), frozenset()),
}
# The domain's own names of some.
_NAMES = {"iron_condor": {"place": "body"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A template and what it is to be made of. `choices` by the names of CHOICES; `at`: a past aware instant."""

    template: str
    underlying: str
    expiry: str
    lots: int
    choices: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None


def create_from_template(
    *, account: TradingAccount, order: Order, activate: bool, now: datetime, name: str = "", **fields: Any
) -> int:
    """Make a strategy whose legs were entered at the marks of one instant; return its id.

    Each price is on the contract's tick. Raises InvalidRequest where the chain does not hold what the template needs,
    and where an active one is wanted of a market that is not open; NotAvailable where nothing is known of it.
    """
    _check(order)
    far = order.choices.get("far_expiry")
    expiries = [order.expiry, *([far] if far else [])]
    market = market_of(underlying=order.underlying, expiries=expiries, at=order.at, now=now)
    if activate and order.at is None and not market.live:
        raise InvalidRequest("the market does not tell prices now: give `at`, or make a draft", field="activate")
    legs = [_entered(leg, market) for leg in _picked(order, market)]
    named = name or f"{order.template.replace('_', ' ')} {market.underlying} {market.ladders[0].expiry}"
    return create_strategy(account=account, legs=legs, activate=activate, now=now, name=named, **fields)


def _check(order: Order) -> None:
    needed, optional = CHOICES[order.template]
    given = set(order.choices)
    if missing := sorted(needed - given):
        raise InvalidRequest(f"{order.template} needs {', '.join(missing)}", field=missing[0])
    if surplus := sorted(given - needed - optional):
        raise InvalidRequest(f"{order.template} takes no {', '.join(surplus)}", field=surplus[0])


def _picked(order: Order, market: Market) -> tuple[TemplateLeg, ...]:
    names = _NAMES.get(order.template, {})
    choices = {names.get(name, name): value for name, value in order.choices.items() if name != "far_expiry"}
    make: Callable[..., tuple[TemplateLeg, ...]] = TEMPLATES[order.template]
    try:
        return make(*market.ladders, lots=order.lots, **choices)
    except TemplateError as error:
        raise InvalidRequest(str(error), field="place" if "place" in order.choices else "") from error


def _entered(leg: TemplateLeg, market: Market) -> NewLeg:
    option = leg.expiry, leg.kind, leg.strike
    if option not in market.mark:
        raise InvalidRequest(f"no price is known of {leg.expiry} {leg.strike:g} {leg.kind.value}", field="expiry")
    strike = Decimal(repr(leg.strike))
    named = Named(underlying=market.underlying, kind=leg.kind.value, expiry=str(leg.expiry), strike=strike)
    price = tradable(market.mark[option], market.tick[option], leg.side)
    return NewLeg(named=named, side=leg.side, trade=Trade(lots=leg.lots, price=price, at=market.as_of))
