"""From cases and their markets to answers."""

import math
from collections.abc import Mapping
from typing import Any

from fo_analytics.domain.chain import Convention
from strategies.domain.legs import Leg
from strategies.domain.m2m import FRESH_MS
from strategies.domain.money import estimate, price_of
from strategies.selectors.cases import Case
from strategies.selectors.markets import MarketView

Json = dict[str, Any]


def render_case(case: Case, *, strategy_id: int | None) -> Json:
    """Return what every answer of the model begins with: the legs, and the market they were looked at in."""
    priced = case.priced
    return {
        "strategy": strategy_id,
        "underlying": priced[0].contract.underlying if priced else None,
        "convention": Convention.EXACT.value,
        "market": None if case.view is None else _market(case.view),
        "legs": [
            _leg(leg, leg_id, case.view) for leg, leg_id in zip(case.legs, case.leg_ids, strict=True) if leg.open_lots
        ],
    }


def render_legs(legs: Mapping[int, Leg], rows: list[Json]) -> list[Json]:
    """Return rows about legs (their key as `leg`) with what the legs are."""
    return [{**_terms(legs[row["leg"]]), **row} for row in rows]


def _market(view: MarketView) -> Json:
    market = view.market
    return {
        "ts_event": market.as_of_ms,
        "spot": estimate(market.spot),
        "spot_source": view.spot_source,
        "rate": market.rate,
        "expiries": [
            {
                "expiry": expiry,
                "ts_expiry": term.expires_at_ms,
                "forward": estimate(term.forward),
                "atm_iv": view.atm_sigma(expiry),
                **_chain(view, expiry),
            }
            for expiry, term in sorted(market.terms.items())
        ],
    }


def _chain(view: MarketView, expiry: Any) -> Json:
    """Where the numbers of an expiry come from, and whether they are behind the others."""
    answer = view.chains.get(expiry)
    if answer is None:
        return {"forward_source": "spot", "source": None, "ts_event": None, "stale": False}
    ts_event = int(answer.head["ts_event"])
    stale = view.market.as_of_ms - ts_event > FRESH_MS
    return {
        "forward_source": answer.head["forward_source"],
        "source": answer.source,
        "ts_event": ts_event,
        "stale": stale,
    }


def _leg(leg: Leg, leg_id: int | None, view: MarketView | None) -> Json:
    shown = view.shown.get(leg.contract.key) if view else None
    pinned = leg.states()[-1].pinned
    reason = "no_market" if shown is None else shown.reason
    return {
        "leg": leg_id,
        **_terms(leg),
        "iv": math.nan if shown is None or pinned else shown.sigma,
        "age_ms": None if shown is None or pinned else shown.age_ms,
        "fresh": shown is not None and shown.fresh and not pinned,
        "reason": "provisionally_settled" if pinned else reason,
    }


def _terms(leg: Leg) -> Json:
    contract, average = leg.contract, leg.average_price
    return {
        "underlying": contract.underlying,
        "kind": contract.kind.value,
        "expiry": contract.expiry,
        "strike": contract.strike,
        "side": leg.side.value,
        "lots": leg.open_lots,
        "lot_size": leg.lot_size,
        "units": leg.signed_units,
        "average_price": None if average is None else price_of(average),
    }
