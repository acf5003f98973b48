"""The Greeks of a strategy: of each open leg, and of all together."""

from collections.abc import Mapping, Sequence
from typing import Any

from fo_analytics.domain.chain import Convention
from fo_analytics.domain.chain_view import GREEKS
from strategies.domain.legs import Leg
from strategies.domain.m2m import linear_greeks, net_greeks
from strategies.selectors.markets import MarketView, Shown, market_view
from tradingviz.core.errors import NotAvailable

Json = dict[str, Any]


def greeks_answer(*, legs: Mapping[int, Leg], convention: Convention) -> Json:
    """Return the Greeks of legs by their keys: per leg, per underlying, and net; each times signed open units.

    A sum is null where an open leg has none that are known: `missing` names these legs by key. Several underlyings are
    read one after the other.
    """
    open_legs = {key: leg for key, leg in legs.items() if leg.open_lots}
    views, why = _views(list(open_legs.values()), convention)
    shown = {key: _shown(leg, views, why) for key, leg in open_legs.items()}
    # Of two legs in one contract one may stand still.
    known = {leg.contract.key: shown[key].greeks for key, leg in open_legs.items() if not leg.states()[-1].pinned}
    total = _sum(open_legs, known)
    return {
        "net": total["net"],
        "missing": total["missing"],
        "stale": [key for key, one in shown.items() if one.reason is None and not one.fresh],
        "underlyings": [
            {
                "underlying": name,
                "ts_event": views[name].market.as_of_ms if name in views else None,
                "reason": why.get(name),
                **_sum({key: leg for key, leg in open_legs.items() if leg.contract.underlying == name}, known),
            }
            for name in dict.fromkeys(leg.contract.underlying for leg in open_legs.values())
        ],
        "legs": [_row(key, leg, shown[key]) for key, leg in open_legs.items()],
    }


def _views(legs: Sequence[Leg], convention: Convention) -> tuple[dict[str, MarketView], dict[str, str]]:
    """The market of each underlying with options, and why there is none."""
    views: dict[str, MarketView] = {}
    why: dict[str, str] = {}
    contracts = {leg.contract.key: leg.contract for leg in legs if not leg.states()[-1].pinned}.values()
    for name in {contract.underlying for contract in contracts if contract.kind.is_option}:
        own = [contract for contract in contracts if contract.underlying == name]
        try:
            views[name] = market_view(contracts=own, convention=convention)
        except NotAvailable as error:
            why[name] = str(error)
    return views, why


def _shown(leg: Leg, views: Mapping[str, MarketView], why: Mapping[str, str]) -> Shown:
    nothing = float("nan")
    if leg.states()[-1].pinned:
        return Shown(nothing, nothing, None, None, "frozen" if leg.frozen else "provisionally_settled")
    if not leg.contract.kind.is_option:
        return Shown(nothing, nothing, linear_greeks(leg.contract.kind), None, None)
    if leg.contract.underlying in why:
        return Shown(nothing, nothing, None, None, "no_market")
    return views[leg.contract.underlying].shown[leg.contract.key]


def _sum(legs: Mapping[int, Leg], known: Mapping[int, Mapping[str, float] | None]) -> Json:
    total = net_greeks(list(legs.values()), known)
    keys = list(legs)
    return {"net": _ordered(total.values), "missing": [keys[place] for place in total.missing]}


def _row(key: int, leg: Leg, shown: Shown) -> Json:
    position = None if shown.greeks is None else {name: leg.signed_units * each for name, each in shown.greeks.items()}
    return {
        "leg": key,
        "units": leg.signed_units,
        "per_unit": _ordered(shown.greeks),
        "position": _ordered(position),
        "iv": shown.sigma,
        "age_ms": shown.age_ms,
        "fresh": shown.fresh,
        "reason": shown.reason,
    }


def _ordered(values: Mapping[str, float] | None) -> dict[str, float] | None:
    """Greeks as they are always listed; null where they are not known. Nothing open has none: all 0."""
    return None if values is None else {name: values.get(name, 0.0) for name in GREEKS}
