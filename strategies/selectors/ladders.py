"""Chains as templates look at them, and what their contracts are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from fo_analytics.domain.calendar import from_ms, to_ms
from fo_analytics.domain.chain import CALL, PUT, Convention
from fo_analytics.selectors.chains import LIVE, ChainAnswer, chains_at, live_chains
from fo_analytics.selectors.strike_distribution import expiries_as_of
from strategies.domain.legs import Kind
from strategies.domain.m2m import FRESH_MS
from strategies.domain.money import price_of
from strategies.domain.templates import Ladder
from tradingviz.core.errors import InvalidRequest

_SIDES = ((CALL, Kind.CALL), (PUT, Kind.PUT))
Option = tuple[date, Kind, float]


@dataclass(frozen=True, slots=True)
class Market:
    """Ladders of some expiries in the order asked for, of one underlying and one instant (aware).

    `mark` and `tick` rupees by contract, absent where there is no mark. `live`: published, and no older than 60 s.
    """

    underlying: str
    as_of: datetime
    live: bool
    ladders: tuple[Ladder, ...]
    mark: Mapping[Option, float]
    tick: Mapping[Option, Decimal]


def market_of(*, underlying: str, expiries: Sequence[str], at: datetime | None, now: datetime) -> Market:
    """Return the chains of expiries (dates or labels), live or as of a past aware instant.

    Raises InvalidRequest for an unknown underlying or expiry, NotAvailable where nothing is known of the underlying.
    """
    if at is not None and at > now:
        raise InvalidRequest("not a past instant: leave it out for what is live", field="at")
    found, table = expiries_as_of(underlying=underlying, at=None if at is None else to_ms(at))
    days = tuple(table.resolve(text) for text in expiries)
    read = live_chains if at is None else chains_at
    chains = read(underlying=found, table=table, expiries=days, convention=Convention.EXACT)
    if any(chain.head["expired"] for chain in chains):
        raise InvalidRequest("the contracts expired", field="expiry")
    as_of = min(now, from_ms(max(int(chain.head["ts_event"]) for chain in chains)))
    fresh = all(chain.source == LIVE for chain in chains) and to_ms(now) - to_ms(as_of) <= FRESH_MS
    marks: dict[Option, float] = {}
    ticks: dict[Option, Decimal] = {}
    for day, chain in zip(days, chains, strict=True):
        marks |= _column(day, chain, "mark")
        ticks |= {option: price_of(tick) for option, tick in _column(day, chain, "tick_size").items()}
    ladders = tuple(_ladder(day, chain) for day, chain in zip(days, chains, strict=True))
    return Market(found.symbol, as_of, fresh and table.calendar.is_open(now), ladders, marks, ticks)


def _ladder(day: date, chain: ChainAnswer) -> Ladder:
    view, forward = chain.view, chain.head["forward"]
    known = float("nan") if forward is None else float(forward)
    return Ladder(day, np.array(view.strike), view.listed, view.field("delta"), known)


def _column(day: date, chain: ChainAnswer, name: str) -> dict[Option, float]:
    values = chain.view.field(name)
    return {
        (day, kind, strike): float(values[row, place])
        for row, kind in _SIDES
        for place, strike in enumerate(chain.view.strike)
        if not np.isnan(values[row, place])
    }
