"""Mark to market of one strategy: exact, rounded once, and never silent about a price that is old or missing.

M2M = Σ ±(valuation − average entry) × open units + realised. `positions.py` does the same for many strategies at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain_view import GREEKS
from strategies.domain.legs import Kind, Leg, State
from strategies.domain.money import difference, rounded

FRESH_MS = 60_000
WIDEST_TICKS = 2


class Valuation(StrEnum):
    """At what open legs are valued: the last price, or the mid where the quote is worth one (the chain's mark)."""

    LAST = "last"
    MID = "mid"


class PriceSource(StrEnum):
    """Where a leg's valuation comes from."""

    LAST = "last"
    MID = "mid"
    FROZEN = "frozen"
    PROVISIONAL = "provisional_settlement"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Quote:
    """What the market last showed of a contract: rupees, None where it showed nothing; stamps milliseconds UTC."""

    last: Decimal | None = None
    last_ts: int = 0
    bid: Decimal | None = None
    ask: Decimal | None = None
    quote_ts: int = 0


class Priced(NamedTuple):
    """A valuation in rupees (None: there is none), its source, stamp (ms UTC) and age; `fresh` where young enough."""

    price: Fraction | None
    source: PriceSource
    ts: int | None
    age_ms: int | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class M2M:
    """What a strategy is worth, rupees, 2 decimals, rounded half to even.

    `value` and `unrealised` are None where an open leg has no price at all. `unrealised` is `value` − `realised`, so
    that the parts add up. `legs` has one entry per leg, None where nothing of it is open.
    """

    value: Decimal | None
    realised: Decimal
    unrealised: Decimal | None
    legs: tuple[Priced | None, ...]

    @property
    def stale(self) -> tuple[int, ...]:
        """Return the places of open legs without a fresh price."""
        return tuple(place for place, priced in enumerate(self.legs) if priced is not None and not priced.fresh)

    @property
    def partial(self) -> bool:
        """Return whether any open leg lacks a fresh price."""
        return bool(self.stale)

    @property
    def reason(self) -> str | None:
        """Return why there is no value: `no_price`; None where there is one."""
        return "no_price" if self.value is None else None


class NetGreeks(NamedTuple):
    """Σ greek × signed open units, in the units of a single Greek; None where `missing` names legs without one."""

    values: Mapping[str, float] | None
    missing: tuple[int, ...]


def mark_to_market(
    legs: Sequence[Leg],
    quotes: Mapping[int, Quote],
    *,
    as_of_ms: int,
    valuation: Valuation = Valuation.LAST,
    fresh_ms: int = FRESH_MS,
) -> M2M:
    """Return the M2M of legs as they stand. `quotes` by contract key; a price older than `fresh_ms` is not fresh.

    A leg whose price is old uses it all the same, a frozen or provisionally settled one its fixed price.
    """
    priced = tuple(_priced(leg, quotes, as_of_ms, valuation, fresh_ms) for leg in legs)
    gained = sum((_realised(leg) for leg in legs), Fraction(0))
    realised = rounded(gained)
    if any(found is not None and found.price is None for found in priced):
        return M2M(None, realised, None, priced)
    open_gains = (_unrealised(leg, found.price) for leg, found in zip(legs, priced, strict=True) if found)
    value = rounded(gained + sum(open_gains, Fraction(0)))
    return M2M(value, realised, difference(value, realised), priced)


def price_for(quote: Quote, tick: Decimal, valuation: Valuation) -> tuple[Fraction | None, PriceSource, int]:
    """Return the valuation of a contract (rupees, exact), its source and its stamp.

    `mid`: of a quote that is uncrossed and apart by less than 20 % of the mid or at most two ticks; else the last
    price clamped into whatever sides are quoted, as fo_analytics.domain.chain.mark.
    """
    last = None if quote.last is None else Fraction(quote.last)
    if valuation is Valuation.MID:
        bid, ask = (None if side is None else Fraction(side) for side in (quote.bid, quote.ask))
        if bid is not None and ask is not None and _is_tight(bid, ask, Fraction(tick)):
            return (bid + ask) / 2, PriceSource.MID, quote.quote_ts
        last = _clamped(last, bid, ask)
    return last, PriceSource.NONE if last is None else PriceSource.LAST, quote.last_ts


def net_greeks(legs: Sequence[Leg], greeks: Mapping[int, Mapping[str, float] | None]) -> NetGreeks:
    """Return the sum of Greeks of what is open. `greeks` by contract key, each per unit; absent or None: not known.

    Frozen and provisionally settled legs have none that are known. Only names that all open legs have are summed; where
    nothing is open all are 0.
    """
    active = [(place, leg) for place, leg in enumerate(legs) if leg.open_lots]
    found = [None if leg.states()[-1].pinned else greeks.get(leg.contract.key) for _, leg in active]
    missing = tuple(place for (place, _), known in zip(active, found, strict=True) if known is None)
    rows = [(leg.signed_units, known) for (_, leg), known in zip(active, found, strict=True) if known is not None]
    if missing:
        return NetGreeks(None, missing)
    names = set.intersection(*(set(known) for _, known in rows)) if rows else set(GREEKS)
    return NetGreeks({name: sum((units * known[name] for units, known in rows), 0.0) for name in sorted(names)}, ())


def linear_greeks(kind: Kind) -> dict[str, float]:
    """Return the Greeks of a future or a share: delta 1 per unit, everything else 0. Raises ValueError for options."""
    if kind.is_option:
        raise ValueError("an option is not linear")
    return dict.fromkeys(GREEKS, 0.0) | {"delta": 1.0}


def _priced(leg: Leg, quotes: Mapping[int, Quote], as_of_ms: int, valuation: Valuation, fresh_ms: int) -> Priced | None:
    state = leg.states()[-1]
    if not state.lots:
        return None
    if state.pinned:
        return _pinned(leg, state, as_of_ms)
    quote = quotes.get(leg.contract.key, Quote())
    price, source, stamp = price_for(quote, leg.contract.tick, valuation)
    if price is None:
        return Priced(None, source, None, None, fresh=False)
    age = max(0, as_of_ms - stamp)
    return Priced(price, source, stamp, age, age <= fresh_ms)


def _pinned(leg: Leg, state: State, as_of_ms: int) -> Priced:
    """A frozen leg is never fresh; a provisional settlement is what there can be, and says so by its source."""
    since = to_ms(state.since)
    age = max(0, as_of_ms - since)
    if leg.frozen is None:
        return Priced(state.fixed, PriceSource.PROVISIONAL, since, age, fresh=True)
    return Priced(state.fixed, PriceSource.FROZEN, since, age, fresh=False)


def _realised(leg: Leg) -> Fraction:
    return leg.side.sign * leg.lot_size * leg.states()[-1].gained


def _unrealised(leg: Leg, price: Fraction | None) -> Fraction:
    state = leg.states()[-1]
    return leg.side.sign * leg.lot_size * ((price or 0) * state.lots - state.cost)


def _is_tight(bid: Fraction, ask: Fraction, tick: Fraction) -> bool:
    spread = ask - bid
    return spread >= 0 and (10 * spread < ask + bid or spread <= WIDEST_TICKS * tick)


def _clamped(last: Fraction | None, bid: Fraction | None, ask: Fraction | None) -> Fraction | None:
    if last is None or (bid is not None and ask is not None and bid > ask):
        return last
    low = last if bid is None else max(last, bid)
    return low if ask is None else min(low, ask)
