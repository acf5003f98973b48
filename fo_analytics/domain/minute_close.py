"""Rows of a minute at its close: bars with Greeks, and measures per expiry.

A bar's forward, IV and Greeks are those of its bucket's last millisecond, computed from the state then.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from fo_analytics.domain import bars
from fo_analytics.domain.bars import Minute
from fo_analytics.domain.book import Book
from fo_analytics.domain.calendar import MINUTE_MS
from fo_analytics.domain.chain import (
    CALL,
    PUT,
    Quotes,
    Terms,
    Valuation,
    parity_forward,
    spot_is_contradicted,
    usable_spot,
    value_chain,
)
from fo_analytics.domain.chain_view import GREEKS
from fo_analytics.domain.forward import Forward
from fo_analytics.domain.layout import ChainLayout, Layout
from fo_analytics.domain.moneyness import atm_strike
from fo_analytics.domain.open_interest import max_pain, put_call_ratio
from fo_analytics.domain.ticks import Floats

_VALUES = ("open", "high", "low", "close", "volume", "oi", "bid", "ask", "forward", "iv", *GREEKS)
_TAIL = ("cumulative", "bid_qty", "ask_qty", "first_volume", "last_volume", "quote_volume")
BAR_ROW = np.dtype(
    [("instrument_id", "i8"), ("time_ms", "i8")]
    + [(name, "f8") for name in _VALUES]
    + [("iv_reason", "i8"), ("flags", "i8")]
    + [(name, "i8") for name in ("first_ts", "last_ts", "oi_ts", "quote_ts")]
    + [(name, "f8") for name in _TAIL]
)
BarRows = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class ChainMeasures:
    """Measures of one expiry at a minute's close. NaN: not known. Amounts are units, prices rupees."""

    expiry: date
    time_ms: int
    spot: float
    forward: float
    forward_source: str
    atm_strike: float
    atm_iv: float
    straddle: float
    call_oi: float
    put_oi: float
    call_volume: float
    put_volume: float
    pcr_oi: float
    pcr_volume: float
    max_pain: float


def close_minute(
    book: Book, layout: Layout, *, index: int, opens_ms: int, rate: float
) -> tuple[BarRows, list[ChainMeasures]]:
    """Return the bars (k,) of the instruments that ticked in minute `index`, and measures of their expiries."""
    minute, state = book.minute(index), book.state(index)
    touched = bars.touched(minute)
    rows = _market_rows(book, layout, index=index, opens_ms=opens_ms)
    as_of_ms = opens_ms + MINUTE_MS - 1
    trusted = spot_is_trusted(layout, state, as_of_ms=as_of_ms, rate=rate)
    measures = []
    for chain in layout.chains:
        if touched[chain.slots[chain.listed]].any():
            quotes = chain.quotes(state, layout.spot_slot)
            terms = Terms(as_of_ms, chain.expires_at_ms, rate, spot_is_trusted=trusted)
            value = value_chain(quotes, terms)
            _write_values(rows, chain, value)
            measures.append(measure(chain.expiry, opens_ms, quotes, value))
    return rows[touched], measures


def spot_is_trusted(layout: Layout, state: Minute, *, as_of_ms: int, rate: float) -> bool:
    """Return whether nothing contradicts the spot; see `spot_verdict`."""
    return spot_verdict(layout, state, as_of_ms=as_of_ms, rate=rate) is not False


def spot_verdict(
    layout: Layout, state: Minute, *, as_of_ms: int, rate: float, known: Mapping[date, Forward] = MappingProxyType({})
) -> bool | None:
    """Return whether parity agrees with the spot: that of the first of a layout's expiries, in order of time, that has
    not expired and has put-call pairs. None where none has; True where there is no usable spot to contradict.

    `known` are parity forwards that need not be found again.
    """
    for chain in layout.chains:
        if as_of_ms >= chain.expires_at_ms:
            continue
        quotes = chain.quotes(state, layout.spot_slot)
        if math.isnan(usable_spot(quotes, as_of_ms=as_of_ms)):
            return True
        terms = Terms(as_of_ms, chain.expires_at_ms, rate)
        forward = known.get(chain.expiry) or parity_forward(quotes, terms)
        if forward.source == "parity":
            return not spot_is_contradicted(forward, quotes, terms)
    return None


def _market_rows(book: Book, layout: Layout, *, index: int, opens_ms: int) -> BarRows:
    """Return rows (n,) of all slots with what the market said, values still unknown."""
    minute, state = book.minute(index), book.state(index)
    growth, catch_up = book.volume(index)
    rows = np.zeros(len(layout), BAR_ROW)
    for name in (*_VALUES, *_TAIL):
        rows[name] = np.nan
    rows["instrument_id"], rows["time_ms"] = layout.instrument_ids, opens_ms
    for name in ("open", "high", "low", "close", "first_ts", "first_volume", "last_ts", "last_volume"):
        rows[name] = minute[name]
    for name in ("oi", "oi_ts", *bars.QUOTE, "cumulative"):
        rows[name] = state[name]
    rows["volume"], rows["flags"] = growth, book.flags(catch_up)
    return rows


def _write_values(rows: BarRows, chain: ChainLayout, value: Valuation) -> None:
    """Fill forward, IV and Greeks of a chain's contracts."""
    listed = chain.listed
    slots = chain.slots[listed]
    rows["forward"][slots] = value.forward.value
    rows["iv"][slots] = value.iv[listed]
    rows["iv_reason"][slots] = value.iv_reason[listed]
    for name in GREEKS:
        rows[name][slots] = getattr(value.greeks, name)[listed]


def measure(expiry: date, time_ms: int, quotes: Quotes, value: Valuation) -> ChainMeasures:
    """Return the measures of a valued chain over all its strikes."""
    forward = value.forward.value
    atm = atm_strike(quotes.strike, forward) if not math.isnan(forward) else math.nan
    at = int(np.searchsorted(quotes.strike, atm)) if not math.isnan(atm) else -1
    oi, volume = quotes.oi, quotes.volume
    return ChainMeasures(
        expiry=expiry,
        time_ms=time_ms,
        spot=value.spot,
        forward=forward,
        forward_source=str(value.forward.source),
        atm_strike=atm,
        atm_iv=_greeks_iv(value, at, forward, atm),
        straddle=float(value.mark[:, at].sum()) if at >= 0 else math.nan,
        call_oi=total(oi[CALL]),
        put_oi=total(oi[PUT]),
        call_volume=total(volume[CALL]),
        put_volume=total(volume[PUT]),
        pcr_oi=put_call_ratio(oi[CALL], oi[PUT]),
        pcr_volume=put_call_ratio(volume[CALL], volume[PUT]),
        max_pain=max_pain(quotes.strike, oi[CALL], oi[PUT], forward=forward),
    )


def _greeks_iv(value: Valuation, at: int, forward: float, strike: float) -> float:
    """Return the out-of-the-money side's IV at a strike, or the other side's."""
    if at < 0:
        return math.nan
    otm, itm = (PUT, CALL) if forward >= strike else (CALL, PUT)
    own = float(value.iv[otm, at])
    return own if not math.isnan(own) else float(value.iv[itm, at])


def total(amounts: Floats) -> float:
    """Return the sum of what is known of amounts (n,), NaN where nothing is."""
    return float(np.nansum(amounts)) if not np.isnan(amounts).all() else math.nan
