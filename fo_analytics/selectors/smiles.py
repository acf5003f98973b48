"""Smiles, their measures, and the term structure."""

from collections.abc import Sequence

import numpy as np

from fo_analytics.domain.chain import CALL, PUT
from fo_analytics.domain.chain_view import WORDS
from fo_analytics.domain.smile import expected_move, expected_move_by_volatility, smile_measures, straddle
from fo_analytics.domain.surface import term_structure
from fo_analytics.domain.valued import ValuedChain
from fo_analytics.selectors.analytics import Insight, Json, lasting, reasons

_WINGS = ("call_strike", "call_iv", "put_strike", "put_iv", "risk_reversal", "butterfly", "skew_slope")
_STRADDLE = ("straddle", "expected_move")
_AT_THE_MONEY = ("atm_iv", "expected_move_by_volatility")


def smile_summary(*, chain: ValuedChain) -> Json:
    """Return what a smile is summed up by; `reasons` says why a value is null. Units: docs/conventions.md."""
    measures = smile_measures(chain.smile)
    paid = straddle(chain.strike, chain.value.mark, forward=chain.forward)
    values: dict[str, float] = {
        **measures._asdict(),
        "straddle": paid,
        "expected_move": float(expected_move(paid)),
        "expected_move_by_volatility": float(expected_move_by_volatility(chain.forward, measures.atm_iv, chain.years)),
    }
    nothing = chain.why_nothing
    why = dict.fromkeys(_WINGS, nothing or "wing_not_reached")
    why |= dict.fromkeys(_AT_THE_MONEY, nothing or "no_volatility")
    why |= dict.fromkeys(_STRADDLE, "no_forward" if np.isnan(chain.forward) else "no_mark")
    if measures.risk_reversal == measures.risk_reversal:
        why["butterfly"] = why["atm_iv"]
    return {**values, "reasons": reasons(values, why)}


def smile_points(*, chain: ValuedChain) -> list[Json]:
    """Return the out-of-the-money contract of every listed strike, ascending; nulls without a forward."""
    smile, forward = chain.smile, chain.forward
    unknown = np.isnan(forward)
    delta = chain.value.greeks.delta
    points: list[Json] = []
    for at, (strike, x, sigma) in enumerate(
        zip(chain.strike.tolist(), smile.log_moneyness.tolist(), smile.sigma.tolist(), strict=True)
    ):
        side = PUT if forward >= strike else CALL
        words = WORDS["iv_reason"][int(chain.value.iv_reason[side, at])]
        points.append(
            {
                "strike": strike,
                "log_moneyness": x,
                "side": None if unknown else ("call", "put")[side],
                "iv": sigma,
                "iv_reason": words if unknown or chain.quotes.listed[side, at] else "not_listed",
                "delta": np.nan if unknown or not chain.quotes.listed[side, at] else delta[side, at],
            }
        )
    return points


def term_rows(*, chains: Sequence[Insight]) -> list[Json]:
    """Return volatility at the money over time, a row per chain; nulls with `reason` where time is up."""
    alive = lasting(chains=chains)
    terms = term_structure([insight.chain.smile for insight in alive])
    place = {insight.chain.expiry: at for at, insight in enumerate(alive)}
    names = ("atm_iv", "total_variance", "forward_variance", "forward_iv")
    rows: list[Json] = []
    for insight in chains:
        at = place.get(insight.chain.expiry)
        values = {name: np.nan if at is None else float(getattr(terms, name)[at]) for name in names}
        summary = smile_summary(chain=insight.chain)
        values |= {name: summary[name] for name in (*_STRADDLE, "expected_move_by_volatility")}
        falls = None if np.isnan(values["forward_variance"]) else values["forward_variance"] < 0
        rows.append({**insight.head(), **values, "calendar_arbitrage": falls})
    return rows
