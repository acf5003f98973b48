"""The value of one option chain: marks, forward, implied volatility and Greeks of all strikes at one instant.

Arrays are (2, k): row 0 calls, row 1 puts, one column per listed strike, ascending. NaN means absent or unknown.
Sources: the conventions and rules of docs/conventions.md.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt

from fo_analytics.domain import calendar
from fo_analytics.domain.forward import FEWEST_PAIRS, Forward, forward_or_fallback, spot_contradicts_parity
from fo_analytics.domain.pricing import Greeks, Reason, greeks, implied_volatility
from fo_analytics.domain.ticks import Floats, Ints, Mask

Sources = npt.NDArray[np.uint8]

CALL, PUT = 0, 1
FRESH_MS = 60_000
STALE_MS = 300_000  # docs/adr/0018
NSE_RATE = 0.10
MAX_SPREAD = 0.20
MAX_SPREAD_TICKS = 2.0
IS_CALL = np.array([[True], [False]])


class Convention(StrEnum):
    """How volatility and Greeks are computed; stamped on every answer."""

    EXACT = "exact"  # Black-76 on the implied forward, time to the second, rate from settings
    NSE = "nse"  # as the exchange's website: Black-Scholes on the cash index, 10 %, whole calendar days, last price


class MarkSource(IntEnum):
    """Where a mark comes from."""

    NONE = 0
    MID = 1
    LAST = 2


class IvSource(IntEnum):
    """Whose implied volatility the Greeks use."""

    NONE = 0
    OWN = 1
    OTHER_SIDE = 2


@dataclass(frozen=True, slots=True)
class Quotes:
    """What the market shows of one expiry. Prices rupees, amounts units, stamps milliseconds UTC (0: none).

    `listed` (2, k) says which contracts exist. `future` and `spot` are NaN where there is none.
    """

    strike: Floats
    listed: Mask
    tick_size: Floats
    last: Floats
    last_ts: Ints
    bid: Floats
    bid_qty: Floats
    ask: Floats
    ask_qty: Floats
    quote_ts: Ints
    volume: Floats
    oi: Floats
    oi_ts: Ints
    future: float
    spot: float
    spot_ts: int


@dataclass(frozen=True, slots=True)
class Valuation:
    """The chain's numbers; `iv` fraction a year, theta a calendar day, vega a volatility point, rho 1 %."""

    convention: Convention
    forward: Forward
    years: float
    spot: float
    mark: Floats
    mark_source: Sources
    iv: Floats
    iv_reason: Sources
    greeks: Greeks
    greeks_iv_source: Sources


def marks(quotes: Quotes) -> tuple[Floats, Sources]:
    """Return the mark (2, k) of each contract and its MarkSource."""
    return mark(quotes.bid, quotes.ask, quotes.last, quotes.tick_size)


def mark(bid: Floats, ask: Floats, last: Floats, tick_size: Floats) -> tuple[Floats, Sources]:
    """Return the mark of each contract (any shape; rupees) and its MarkSource.

    The mid where both sides are quoted, uncrossed, and apart by less than 20 % of the mid or at most two ticks; else
    the last price clamped into whatever sides are quoted; else NaN.
    """
    uncrossed = ask >= bid
    mid = (bid + ask) / 2
    spread = ask - bid
    tight = (spread < MAX_SPREAD * mid) | (spread <= MAX_SPREAD_TICKS * tick_size * (1 + 1e-9))
    use_mid = uncrossed & tight
    crossed = bid > ask
    low = np.where(np.isnan(bid) | crossed, -np.inf, bid)
    high = np.where(np.isnan(ask) | crossed, np.inf, ask)
    clamped = np.clip(last, low, high)
    value = np.where(use_mid, mid, clamped)
    source = np.where(use_mid, MarkSource.MID, np.where(np.isnan(clamped), MarkSource.NONE, MarkSource.LAST))
    return value, source.astype(np.uint8)


def usable_spot(quotes: Quotes, *, as_of_ms: int) -> float:
    """Return the spot, NaN where it is absent, not positive or older than 60 s."""
    fresh = quotes.spot > 0 and as_of_ms - quotes.spot_ts <= FRESH_MS
    return quotes.spot if fresh else math.nan


@dataclass(frozen=True, slots=True)
class Terms:
    """What a chain is valued under. `as_of_ms` and `expires_at_ms` UTC; `rate` continuous a year (convention exact);
    `spot_is_trusted` false where the nearest expiry's parity contradicts the spot: it is then used for nothing."""

    as_of_ms: int
    expires_at_ms: int
    rate: float
    convention: Convention = Convention.EXACT
    spot_is_trusted: bool = True


@dataclass(frozen=True, slots=True)
class _Basis:
    """What volatility is solved from: prices (2, k) with their stamps, the forward with its; ms UTC, 0: not known."""

    forward: Forward
    forward_ts: int
    years: float
    rate: float
    price: Floats
    price_ts: Ints


def value_chain(quotes: Quotes, terms: Terms) -> Valuation:
    """Return the chain's value.

    A contract past its expiry instant has no IV and no Greeks, reason `expired`; nothing here raises for what the
    market shows.
    """
    spot = usable_spot(quotes, as_of_ms=terms.as_of_ms) if terms.spot_is_trusted else math.nan
    mark, source = marks(quotes)
    if terms.convention is Convention.NSE:
        basis = _nse_basis(quotes, spot, terms)
    else:
        basis = _exact_basis(quotes, mark, source, spot, terms)
    iv, reason = _implied(quotes, basis, terms.convention)
    used, iv_source = _greeks_volatility(iv, quotes.strike, basis.forward.value, quotes.listed)
    return Valuation(
        convention=terms.convention,
        forward=basis.forward,
        years=basis.years,
        spot=spot,
        mark=mark,
        mark_source=source,
        iv=iv,
        iv_reason=reason,
        greeks=greeks(basis.forward.value, quotes.strike, basis.years, used, IS_CALL, rate=basis.rate),
        greeks_iv_source=iv_source,
    )


def parity_forward(quotes: Quotes, terms: Terms) -> Forward:
    """Return the forward that put-call parity implies; source `none` where there are fewer than three pairs."""
    mark, source = marks(quotes)
    return _forward(replace(quotes, future=math.nan), mark, source, math.nan, terms)


def spot_is_contradicted(forward: Forward, quotes: Quotes, terms: Terms) -> bool:
    """Return whether parity (of the nearest expiry that has it) contradicts the spot by more than 2 %."""
    spot = usable_spot(quotes, as_of_ms=terms.as_of_ms)
    return bool(spot_contradicts_parity(forward.value, spot, _years(terms), terms.rate))


def _years(terms: Terms) -> float:
    """Return the years to expiry; 0 once expired: a forward is still of use then."""
    years = calendar.years_to_expiry(terms.expires_at_ms, terms.as_of_ms)
    return 0.0 if math.isnan(years) else years


def _pair_ts(quotes: Quotes, source: Sources) -> Ints:
    """Return the stamps (k,) of pairs: a last price is held between the quotes, so as new as the newer of the two."""
    stamp = np.where(source == MarkSource.MID, quotes.quote_ts, np.maximum(quotes.quote_ts, quotes.last_ts))
    return np.asarray(stamp.min(axis=0))


def _mark_ts(quotes: Quotes, mark: Floats, source: Sources) -> Ints:
    """Return the stamps (2, k) of marks: a mid's of the quote, a last price's its own, or the newer one at a quote."""
    at_a_quote = (mark == quotes.bid) | (mark == quotes.ask)
    last_ts = np.where(at_a_quote, np.maximum(quotes.quote_ts, quotes.last_ts), quotes.last_ts)
    return np.where(source == MarkSource.MID, quotes.quote_ts, last_ts)


def _forward_ts(forward: Forward, quotes: Quotes, mark: Floats, source: Sources) -> int:
    """Return when the market stood at a forward: where so many pairs were known as parity needs, or of its spot."""
    if forward.source == "spot":
        return quotes.spot_ts
    paired = _pair_ts(quotes, source)[~np.isnan(mark).any(axis=0)]
    known = forward.source == "parity" and len(paired) >= FEWEST_PAIRS
    return int(np.partition(paired, -FEWEST_PAIRS)[-FEWEST_PAIRS]) if known else 0


def _forward(quotes: Quotes, mark: Floats, source: Sources, spot: float, terms: Terms) -> Forward:
    is_mid = source == MarkSource.MID
    return forward_or_fallback(
        quotes.strike,
        mark[CALL],
        mark[PUT],
        _years(terms),
        rate=terms.rate,
        is_fresh=terms.as_of_ms - _pair_ts(quotes, source) <= FRESH_MS,
        is_mid=is_mid.all(axis=0),
        future=quotes.future,
        spot=spot,
    )


def _exact_basis(quotes: Quotes, mark: Floats, source: Sources, spot: float, terms: Terms) -> _Basis:
    """Black-76 on the implied forward, time to the second."""
    forward = _forward(quotes, mark, source, spot, terms)
    return _Basis(
        forward=forward,
        forward_ts=_forward_ts(forward, quotes, mark, source),
        years=_years(terms) or math.nan,
        rate=terms.rate,
        price=mark,
        price_ts=_mark_ts(quotes, mark, source),
    )


def _nse_basis(quotes: Quotes, spot: float, terms: Terms) -> _Basis:
    """The exchange's website: the spot carried at 10 % over whole calendar days, last prices."""
    expiry = calendar.ist_date(calendar.from_ms(terms.expires_at_ms))
    days = calendar.calendar_days(expiry, calendar.from_ms(terms.as_of_ms))
    years = days / 365 if days > 0 else math.nan
    carried = spot if math.isnan(years) else spot * math.exp(NSE_RATE * years)
    forward = Forward(carried, "none" if math.isnan(spot) else "spot", 0)
    return _Basis(forward, quotes.spot_ts, years, NSE_RATE, quotes.last, quotes.last_ts)


def _implied(quotes: Quotes, basis: _Basis, convention: Convention) -> tuple[Floats, Sources]:
    """Return each contract's own volatility and the reason where it has none."""
    if math.isnan(basis.years):
        why = Reason.EXPIRED
    elif math.isnan(basis.forward.value):
        why = Reason.NO_SPOT if convention is Convention.NSE else Reason.NO_PRICE
    else:
        forward, years = basis.forward.value, basis.years
        iv, reason = implied_volatility(basis.price, forward, quotes.strike, years, IS_CALL, rate=basis.rate)
        stale = _is_stale(basis)
        return np.where(stale, np.nan, iv), np.where(stale, np.uint8(Reason.STALE), reason)
    return np.full(basis.price.shape, np.nan), np.full(basis.price.shape, why, np.uint8)


def _is_stale(basis: _Basis) -> Mask:
    """Return which prices (2, k) are of another market than the forward: so much older that they imply nothing."""
    known = ~np.isnan(basis.price) & (basis.price_ts > 0)
    return known & (basis.forward_ts - basis.price_ts > STALE_MS)


def _greeks_volatility(iv: Floats, strike: Floats, forward: float, listed: Mask) -> tuple[Floats, Sources]:
    """Return the volatility (2, k) the Greeks use, the same for call and put of a strike, and its IvSource.

    The out-of-the-money side's (forward at or above the strike: the put), or the other one where that has none.
    """
    otm_is_put = forward >= strike
    otm = np.where(otm_is_put, iv[PUT], iv[CALL])
    itm = np.where(otm_is_put, iv[CALL], iv[PUT])
    from_put = np.where(np.isnan(otm), ~otm_is_put, otm_is_put)
    used = np.where(np.isnan(otm), itm, otm)
    is_own = np.stack([~from_put, from_put])
    known = ~np.isnan(used) & listed
    source = np.where(known, np.where(is_own, IvSource.OWN, IvSource.OTHER_SIDE), IvSource.NONE)
    return np.where(known, used, np.nan), source.astype(np.uint8)
