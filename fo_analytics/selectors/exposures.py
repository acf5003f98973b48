"""Gamma, vanna and charm exposure of chains."""

import numpy as np

from fo_analytics.domain.chain import CALL, PUT
from fo_analytics.domain.exposure import (
    ASSUMPTION,
    Exposure,
    charm_exposure,
    gamma_exposure,
    gamma_flip,
    vanna_exposure,
    walls,
)
from fo_analytics.domain.moneyness import select_levels
from fo_analytics.domain.smile import strike_volatility
from fo_analytics.domain.ticks import Floats
from fo_analytics.domain.valued import ValuedChain
from fo_analytics.selectors.analytics import Insight, Json, reasons


def exposure_answer(*, insight: Insight, levels: int) -> Json:
    """Return a chain's exposure: rows within `levels` strikes of the money, everything else over all strikes."""
    terms = _terms(insight.chain)
    return {**insight.head(), **_summary(insight.chain, terms), "strikes": _rows(insight.chain, terms, levels)}


def exposure_summary(*, chain: ValuedChain) -> Json:
    """Return totals, flip and walls over all strikes of a chain."""
    return _summary(chain, _terms(chain))


def _terms(chain: ValuedChain) -> dict[str, Exposure]:
    oi, greeks, spot = chain.quotes.oi, chain.value.greeks, chain.discounted_forward
    return {
        "gex": gamma_exposure(greeks.gamma, oi, spot),
        "vanna": vanna_exposure(greeks.vanna, oi, spot),
        "charm": charm_exposure(greeks.charm, oi, spot),
    }


def _summary(chain: ValuedChain, terms: dict[str, Exposure]) -> Json:
    oi, strike = chain.quotes.oi, chain.strike
    sigma = strike_volatility(strike, chain.value.iv, chain.forward)
    flip = gamma_flip(strike, sigma, oi, forward=chain.forward, years=chain.years, rate=chain.terms.rate)
    found = walls(strike, terms["gex"].term, forward=chain.forward)
    values = {"flip": flip, "call_wall": found.call, "put_wall": found.put}
    nothing = chain.why_nothing
    why = dict.fromkeys(("call_wall", "put_wall"), nothing or "no_exposure")
    why["flip"] = nothing or _why_no_flip(oi, sigma)
    return {
        "assumption": ASSUMPTION,
        "spot": chain.discounted_forward,
        "totals": {name: _total(exposure) for name, exposure in terms.items()},
        "oi_unknown": int((np.isnan(oi) & chain.quotes.listed).sum()),
        **values,
        "reasons": reasons(values, why),
    }


def _why_no_flip(oi: Floats, sigma: Floats) -> str:
    balance = np.nan_to_num(oi[CALL]) - np.nan_to_num(oi[PUT])
    return "no_sign_change" if ((sigma > 0) & (balance != 0)).any() else "no_exposure"


def _total(exposure: Exposure) -> Json:
    call, put = (float(np.nansum(side)) if (~np.isnan(side)).any() else np.nan for side in exposure.term)
    return {"call": call, "put": put, "net": exposure.total, "left_out": exposure.left_out}


def _rows(chain: ValuedChain, terms: dict[str, Exposure], levels: int) -> list[Json]:
    everything = slice(0, chain.strike.size)
    shown = everything if np.isnan(chain.forward) else select_levels(chain.strike, chain.forward, levels)
    return [
        {
            "strike": float(chain.strike[at]),
            **{
                name: {"call": one.term[CALL, at], "put": one.term[PUT, at], "net": one.net[at]}
                for name, one in terms.items()
            },
        }
        for at in range(shown.start, shown.stop)
    ]
