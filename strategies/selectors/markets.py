"""What the market shows of the contracts of legs: what scenarios start from, and each contract's Greeks."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fo_analytics.domain.calendar import YEAR_MS, to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.chain_view import GREEKS
from fo_analytics.domain.document import strike_key
from fo_analytics.selectors.chains import ChainAnswer, live_chains
from fo_analytics.selectors.quotes import latest_quotes
from fo_analytics.selectors.strike_distribution import expiries_as_of
from strategies.domain.legs import Contract, Kind
from strategies.domain.m2m import FRESH_MS, Valuation, linear_greeks, price_for
from strategies.domain.scenarios import Market, Term
from strategies.selectors.m2m import quote_of
from tradingviz.core.errors import NotAvailable

OTHER = {"call": "put", "put": "call"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a chain shows of one contract.

    `price` its mark, rupees, NaN: none; a share's is the spot, a future's that of its own quote. `sigma` the volatility
    of its strike (fraction a year, NaN: none), of the side that is out of the money if that has one, as its Greeks.
    `greeks` per unit, None: not known, and `reason` says why. `age_ms` is that of the price the volatility was solved
    from, of a future that of its price; None where there is none or none is needed.
    """

    price: float
    sigma: float
    greeks: Mapping[str, float] | None
    age_ms: int | None
    reason: str | None

    @property
    def fresh(self) -> bool:
        """Return whether what is known of it rests on no old price."""
        return self.reason is None and (self.age_ms is None or self.age_ms <= FRESH_MS)


@dataclass(frozen=True, slots=True)
class MarketView:
    """The market of one underlying.

    `spot_source`: `spot`, or `forward` where the spot is not to be trusted and the forward of the nearest expiry,
    discounted, stands in for it, or `none`. `shown` by contract key, `chains` by expiry; one that has futures and no
    options has a term and no chain.
    """

    underlying: str
    market: Market
    spot_source: str
    chains: Mapping[date, ChainAnswer]
    shown: Mapping[int, Shown]

    def atm_sigma(self, expiry: date) -> float:
        """Return the volatility at the money of an expiry, fraction a year; NaN where it is not known."""
        return _number(self.chains[expiry].head["atm_iv"]) if expiry in self.chains else math.nan


def market_view(*, contracts: Sequence[Contract], convention: Convention = Convention.EXACT) -> MarketView:
    """Return what the market shows of contracts of one underlying: live, of what is not published from bars.

    Contracts that do not expire need the underlying's nearest chain, for the spot. Raises NotAvailable where nothing
    is known of the underlying yet, ValueError without contracts.
    """
    if not contracts:
        raise ValueError("without contracts there is no market")
    underlying, table = expiries_as_of(underlying=contracts[0].underlying, at=None)
    expiries = _expiries(contracts)
    with_chains = [day for day in expiries if day in table.expiries] or [day for day in (table.nearest(),) if day]
    if not with_chains:
        raise NotAvailable(f"no options of {underlying.symbol} are listed: nothing tells what it costs")
    answers = live_chains(underlying=underlying, table=table, expiries=with_chains, convention=convention)
    chains = dict(zip(with_chains, answers, strict=True))
    as_of_ms = max(table.as_of_ms, *(int(answer.head["ts_event"]) for answer in answers))
    spot, source = _spot(chains)
    shown = {one.key: _shown(one, chains, spot, as_of_ms) for one in contracts if one.kind is not Kind.FUTURE}
    futures = _futures([one for one in contracts if one.kind is Kind.FUTURE], as_of_ms)
    rate = float(answers[0].head["rate"])
    terms = {expiry: _term(answer) for expiry, answer in chains.items()}
    for expiry in (day for day in expiries if day not in chains):
        terms[expiry] = _carried(spot, rate, as_of_ms, to_ms(table.calendar.expires_at(expiry)))
    sigma = {key: one.sigma for key, one in shown.items()}
    fresh = {key: one.price for key, one in futures.items() if one.price > 0 and one.fresh}
    market = Market(as_of_ms, spot, rate, terms, sigma, fresh)
    return MarketView(underlying.symbol, market, source, chains, shown | futures)


def _expiries(contracts: Iterable[Contract]) -> tuple[date, ...]:
    return tuple(sorted({one.expiry for one in contracts if one.expiry is not None}))


def _term(answer: ChainAnswer) -> Term:
    return Term(_number(answer.head["forward"]), int(answer.head["ts_expiry"]))


def _carried(spot: float, rate: float, as_of_ms: int, expires_at_ms: int) -> Term:
    """The term of an expiry that has futures and no options: S·e^(rT)."""
    return Term(spot * math.exp(rate * max(expires_at_ms - as_of_ms, 0) / YEAR_MS), expires_at_ms)


def _spot(chains: Mapping[date, ChainAnswer]) -> tuple[float, str]:
    """The spot of the newest chain that uses one, unless parity contradicts it; rupees."""
    heads = sorted((answer.head for answer in chains.values()), key=lambda head: -int(head["ts_event"]))
    used = [float(head["spot"]) for head in heads if head["spot_used"]]
    if used and not any(head["spot_contradicts_parity"] for head in heads):
        return used[0], "spot"
    for head in sorted(heads, key=lambda head: int(head["ts_expiry"])):
        years = (head["ts_expiry"] - head["ts_event"]) / YEAR_MS
        if head["forward"] is not None and years > 0:
            return float(head["forward"]) * math.exp(-head["rate"] * years), "forward"
    return math.nan, "none"


def _futures(contracts: Sequence[Contract], as_of_ms: int) -> dict[int, Shown]:
    """Futures by their own quotes; where that is old or there is none, scenarios take the forward for it."""
    quotes = latest_quotes(instrument_ids=[one.key for one in contracts]) if contracts else {}
    found = {}
    for one in contracts:
        price, _, stamp = price_for(quote_of(quotes[one.key]), one.tick, Valuation.MID)
        age_ms = None if price is None else max(0, as_of_ms - stamp)
        found[one.key] = Shown(float(price or math.nan), math.nan, linear_greeks(one.kind), age_ms, None)
    return found


def _shown(contract: Contract, chains: Mapping[date, ChainAnswer], spot: float, as_of_ms: int) -> Shown:
    if contract.expiry is None:
        return Shown(spot, math.nan, linear_greeks(contract.kind), None, None)
    chain = chains.get(contract.expiry)
    row = chain.document["strikes"].get(strike_key(float(contract.strike or 0)), {}) if chain else {}
    return _option(row, "call" if contract.kind is Kind.CALL else "put", as_of_ms)


def _option(row: Mapping[str, Any], side: str, as_of_ms: int) -> Shown:
    cell = row.get(side)
    if cell is None:
        return Shown(math.nan, math.nan, None, None, "not_listed")
    price, source = _number(cell["mark"]), cell["greeks_iv_source"]
    if source is None:
        return Shown(price, math.nan, None, _age(cell, as_of_ms), cell["iv_reason"] or "no_volatility")
    basis = cell if source == "own" else row[OTHER[side]]
    greeks = {name: cell[name] for name in GREEKS}
    known = None not in greeks.values()
    reason = None if known else "no_greeks"
    return Shown(price, _number(basis["iv"]), greeks if known else None, _age(basis, as_of_ms), reason)


def _age(cell: Mapping[str, Any], as_of_ms: int) -> int | None:
    """How old the mark of a contract is."""
    stamp = {"mid": cell["quote_ts"], "last": cell["last_ts"]}.get(cell["mark_source"])
    return None if stamp is None else max(0, as_of_ms - int(stamp))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
