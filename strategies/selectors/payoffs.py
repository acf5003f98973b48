"""What legs pay at expiry and are worth today, over prices of the underlying."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from fo_analytics.domain.calendar import YEAR_MS
from strategies.domain.axes import MOST_PERCENT, Capped, capped, covering_percent, price_axis
from strategies.domain.money import estimate, rounded
from strategies.domain.payoff import payoff, probability_of_profit
from strategies.domain.scenarios import (
    Extremes,
    curve,
    extremes,
    first_expiry_ms,
    probability_of_gain,
    units_beyond,
)
from strategies.selectors.cases import Case
from strategies.selectors.markets import MarketView

Json = dict[str, Any]
Prices = Sequence[Decimal]
Amounts = list[Decimal | None]

NOTHING_OPEN, NO_MARKET, UNKNOWN_LEGS = "nothing_open", "no_market", "unknown_legs"


@dataclass(frozen=True, slots=True)
class Window:
    """Which prices of the underlying are shown: per cent each side of the spot (None: so many that all strikes are
    seen), and how many."""

    percent: float | None
    points: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What legs pay at their first expiry: `summary` as it is answered, `probability` of a gain (NaN: not known), the
    payoff of prices; `known` false where a leg that expires later cannot be valued."""

    summary: Json
    probability: float
    known: bool
    values: Callable[[Prices], Amounts]


def payoff_answer(*, case: Case, window: Window) -> Json:
    """Return what a case pays at the expiry of its first contracts, and what it is worth today; rupees.

    Where all legs expire on one day (or never) the payoff is exact and needs no market: what does, is null without one,
    and `reasons` says why. Otherwise later legs are priced by the model, within a range of prices that is said. Raises
    PayoffError as `payoff`, NotAvailable where the model has no market.
    """
    expiries = {leg.contract.expiry for leg in case.priced if leg.contract.expiry is not None}
    expiry = min(expiries, default=None)
    found = _exact(case, expiry) if len(expiries) <= 1 else _modelled(case, min(expiries))
    shown, prices = _prices(case, window)
    today = _today(case, prices)
    return {
        "expiry": expiry,
        **found.summary,
        "probability_of_profit": found.probability,
        "range": shown.value,
        "curve": {"price": prices, "at_expiry": found.values(prices), "today": today},
        "capped": ["range"] if shown.capped else [],
        "reasons": _reasons(case, expiry, found, today),
    }


def _reasons(case: Case, expiry: date | None, found: Outcome, today: Amounts) -> dict[str, str]:
    """Why what is null is not known."""
    why: dict[str, str] = {}
    if not found.known:
        why |= dict.fromkeys(("break_evens", "max_profit", "max_loss", "at_expiry"), UNKNOWN_LEGS)
    if math.isnan(found.probability):
        why["probability_of_profit"] = _why_no_probability(case, expiry)
    if not case.priced:
        why["today"] = NOTHING_OPEN
    elif case.view is None:
        why["today"] = case.why or NO_MARKET
    elif None in today:
        why["today"] = UNKNOWN_LEGS
    return why


def _exact(case: Case, expiry: date | None) -> Outcome:
    """The payoff at the one expiry of all legs: straight lines between strikes."""
    line = payoff(case.legs)
    summary = {
        "exact": True,
        "knots": [
            {"price": rounded(knot), "value": rounded(value)}
            for knot, value in zip(line.knots, line.values, strict=True)
        ],
        "slope": int(line.slope),
        "break_evens": [rounded(price) for price in line.break_evens],
        "max_profit": _limit(None if line.max_profit is None else rounded(line.max_profit), line.slope > 0),
        "max_loss": _limit(None if line.max_loss is None else rounded(line.max_loss), line.slope < 0),
        "looked_at": None,
    }
    probability = math.nan
    if case.view is not None and expiry is not None:
        probability = probability_of_profit(line, **_law(case.view, expiry))
    return Outcome(summary, probability, True, lambda prices: [rounded(line.at(Fraction(price))) for price in prices])


def _modelled(case: Case, expiry: date) -> Outcome:
    """The value at the first expiry: what expires then by its payoff, what expires later by the model."""
    view = case.market_with_spot()
    at_ms = max(first_expiry_ms(case.legs, view.market), view.market.as_of_ms)
    gain, beyond = curve(case.legs, view.market, at_ms=at_ms), units_beyond(case.legs)
    seen = extremes(gain, spot=view.market.spot)
    summary = {
        "exact": False,
        "knots": None,
        "slope": beyond,
        "break_evens": [estimate(price) for price in seen.break_evens],
        "max_profit": _limit(None if beyond > 0 else estimate(seen.highest), beyond > 0),
        "max_loss": _limit(None if beyond < 0 else estimate(seen.lowest), beyond < 0),
        "looked_at": _looked_at(seen),
    }
    probability = probability_of_gain(gain, spot=view.market.spot, seen=seen, **_law(view, expiry))
    return Outcome(summary, probability, not math.isnan(seen.highest), lambda prices: _estimates(gain, prices))


def _limit(amount: Decimal | None, unlimited: bool) -> Json:
    return {"amount": amount, "unlimited": unlimited}


def _looked_at(seen: Extremes) -> Json:
    return {"low": estimate(seen.low), "high": estimate(seen.high)}


def _law(view: MarketView, expiry: date) -> dict[str, float]:
    """What the underlying's price at an expiry is distributed by."""
    term = view.market.terms[expiry]
    years = (term.expires_at_ms - view.market.as_of_ms) / YEAR_MS
    return {"forward": term.forward, "sigma": view.atm_sigma(expiry), "years": years}


def _why_no_probability(case: Case, expiry: date | None) -> str:
    if expiry is None:
        return "never_expires" if case.priced else NOTHING_OPEN
    if case.view is None:
        return case.why or NO_MARKET
    law = _law(case.view, expiry)
    if law["years"] <= 0:
        return "expired"
    if math.isnan(law["forward"]):
        return "no_forward"
    return "no_volatility" if math.isnan(law["sigma"]) else UNKNOWN_LEGS


def _today(case: Case, prices: Prices) -> Amounts:
    if case.view is None or not case.priced:
        return [None] * len(prices)
    return _estimates(curve(case.legs, case.view.market, at_ms=case.view.market.as_of_ms), prices)


def _estimates(gain: Callable[[Any], Any], prices: Prices) -> Amounts:
    return [estimate(value) for value in gain(np.array(prices, np.float64)).tolist()]


def _prices(case: Case, window: Window) -> tuple[Capped, tuple[Decimal, ...]]:
    """The prices shown: around the spot, without one around the strikes, else around what was paid."""
    strikes = [float(leg.contract.strike) for leg in case.priced if leg.contract.strike is not None]
    paid = [float(leg.entry.price) for leg in case.priced]
    spot = case.view.market.spot if case.view else math.nan
    places = strikes or paid
    if not places:
        return Capped(0.0, capped=False), ()
    centre = (min(places) + max(places)) / 2 if math.isnan(spot) else spot
    percent = covering_percent(centre, strikes) if window.percent is None else window.percent
    shown = capped(percent, MOST_PERCENT)
    return shown, price_axis(centre, percent=shown.value, points=window.points)
