"""The one form of a chain's answer: REST renders it, sockets send it and its changes.

A document is nested dicts with string keys: `head` holds what concerns the expiry, `strikes` maps a strike's text to
its `call` and `put`. Prices rupees, amounts units, `ts…` milliseconds UTC, iv a fraction, theta per calendar day, vega
per volatility point, rho per 1 %; null is what is not known, and `iv_reason` says why.
"""

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.chain import CALL, NSE_RATE, PUT, Convention, Quotes, Terms, Valuation, value_chain
from fo_analytics.domain.chain_view import AMOUNTS, FIELDS, PRICES, SIDES, STAMPS, ChainView, cells_of, strike_key
from fo_analytics.domain.minute_close import measure, total
from fo_analytics.domain.open_interest import put_call_ratio
from fo_analytics.domain.ticks import Floats
from streaming.domain.sequencing import Document

__all__ = [
    "SIDES",
    "Document",
    "Subject",
    "chain_document",
    "chain_view",
    "quotes_of",
    "revalued",
    "strike_key",
    "with_volume",
    "within_levels",
]


@dataclass(frozen=True, slots=True)
class Subject:
    """Which chain."""

    underlying: str
    expiry: date


def chain_view(subject: Subject, quotes: Quotes, terms: Terms) -> ChainView:
    """Return a chain as it is shown: its quotes, valued."""
    value = value_chain(quotes, terms)
    strike = tuple(quotes.strike.tolist())
    return ChainView(_head(subject, quotes, value, terms), strike, quotes.listed, cells_of(quotes, value))


def chain_document(subject: Subject, quotes: Quotes, terms: Terms) -> Document:
    """Return the document of a chain: its quotes, valued."""
    return chain_view(subject, quotes, terms).document()


def _head(subject: Subject, quotes: Quotes, value: Valuation, terms: Terms) -> Document:
    measures = measure(subject.expiry, terms.as_of_ms, quotes, value)
    names = ("atm_strike", "atm_iv", "straddle", "pcr_oi", "pcr_volume", "max_pain")
    return {
        "underlying": subject.underlying,
        "expiry": subject.expiry.isoformat(),
        "ts_event": terms.as_of_ms,
        "ts_expiry": terms.expires_at_ms,
        "expired": terms.as_of_ms >= terms.expires_at_ms,
        "convention": value.convention.value,
        "rate": NSE_RATE if value.convention is Convention.NSE else terms.rate,
        "forward": _number(value.forward.value),
        "forward_source": str(value.forward.source),
        "forward_pairs": value.forward.pairs,
        "spot": _number(quotes.spot),
        "spot_ts": quotes.spot_ts or None,
        "spot_used": not math.isnan(value.spot),
        "spot_contradicts_parity": not terms.spot_is_trusted,
        "future": _number(quotes.future),
        **{name: _number(getattr(measures, name)) for name in names},
        **{name: _whole(getattr(measures, name)) for name in ("call_oi", "put_oi", "call_volume", "put_volume")},
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else round(value)


def with_volume(view: ChainView, volume: Floats) -> ChainView:
    """Return a chain with other volumes (2, k), units, in its contracts and its totals; NaN: not known."""
    cells = view.cells.copy()
    cells[list(FIELDS).index("volume")] = volume
    totals = {
        "call_volume": _whole(total(volume[CALL])),
        "put_volume": _whole(total(volume[PUT])),
        "pcr_volume": _number(put_call_ratio(volume[CALL], volume[PUT])),
    }
    return replace(view, head={**view.head, **totals}, cells=cells)


def within_levels(document: Document, levels: int) -> Document:
    """Return the document with only the strikes within `levels` rungs of the at-the-money one, each side.

    All strikes where nothing is at the money (no forward).
    """
    atm = document["head"]["atm_strike"]
    strikes = document["strikes"]
    if atm is None:
        return document
    ladder = sorted(strikes, key=float)
    at = ladder.index(strike_key(atm))
    kept = ladder[max(at - levels, 0) : at + levels + 1]
    return {"head": document["head"], "strikes": {strike: strikes[strike] for strike in kept}}


def quotes_of(document: Document) -> Quotes:
    """Return the quotes a document was made of, so that they can be valued by another convention."""
    rows = sorted(document["strikes"].values(), key=lambda row: float(row["strike"]))
    sides = [[row.get(side, {}) for row in rows] for side in SIDES]
    head = document["head"]

    def floats(name: str) -> npt.NDArray[np.float64]:
        return np.array([[cell.get(name) for cell in side] for side in sides], np.float64)

    def stamps(name: str) -> npt.NDArray[np.int64]:
        return np.array([[cell.get(name) or 0 for cell in side] for side in sides], np.int64)

    columns: dict[str, Any] = {name: floats(name) for name in (*PRICES, *AMOUNTS)}
    columns |= {name: stamps(name) for name in STAMPS}
    return Quotes(
        strike=np.array([row["strike"] for row in rows], np.float64),
        listed=np.array([[bool(cell) for cell in side] for side in sides], bool),
        future=np.nan if head["future"] is None else head["future"],
        spot=np.nan if head["spot"] is None else head["spot"],
        spot_ts=head["spot_ts"] or 0,
        **columns,
    )


def revalued(document: Document, convention: Convention) -> Document:
    """Return the same market valued by another convention."""
    head = document["head"]
    trusted = not head["spot_contradicts_parity"]
    terms = Terms(head["ts_event"], head["ts_expiry"], head["rate"], convention, trusted)
    return chain_document(Subject(head["underlying"], date.fromisoformat(head["expiry"])), quotes_of(document), terms)
