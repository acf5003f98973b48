"""The one form of a chain's answer: REST renders it, sockets send it and its changes.

A document is nested dicts with string keys: `head` holds what concerns the expiry, `strikes` maps a strike's text to
its `call` and `put`. Prices rupees, amounts units, `ts…` milliseconds UTC, iv a fraction, theta per calendar day, vega
per volatility point, rho per 1 %; null is what is not known, and `iv_reason` says why.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fo_analytics.domain import moneyness
from fo_analytics.domain.chain import (
    CALL,
    NSE_RATE,
    PUT,
    Convention,
    IvSource,
    MarkSource,
    Quotes,
    Terms,
    Valuation,
    value_chain,
)
from fo_analytics.domain.minute_close import GREEKS, measure
from fo_analytics.domain.pricing import Reason

Document = dict[str, Any]
Side = Literal["call", "put"]
SIDES: tuple[Side, Side] = ("call", "put")

_MARK_SOURCES = {MarkSource.NONE: None, MarkSource.MID: "mid", MarkSource.LAST: "last"}
_IV_SOURCES = {IvSource.NONE: None, IvSource.OWN: "own", IvSource.OTHER_SIDE: "other_side"}
_PRICES = ("last", "bid", "ask", "tick_size")
_AMOUNTS = ("volume", "oi", "bid_qty", "ask_qty")
_STAMPS = ("last_ts", "quote_ts", "oi_ts")


@dataclass(frozen=True, slots=True)
class Subject:
    """Which chain."""

    underlying: str
    expiry: date


def chain_document(subject: Subject, quotes: Quotes, terms: Terms) -> Document:
    """Return the document of a chain: its quotes, valued."""
    value = value_chain(quotes, terms)
    return {"head": _head(subject, quotes, value, terms), "strikes": _strikes(quotes, value)}


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


def _strikes(quotes: Quotes, value: Valuation) -> Document:
    calls, puts = _cells(CALL, quotes, value), _cells(PUT, quotes, value)
    rows: Document = {}
    for strike, call, put in zip(quotes.strike.tolist(), calls, puts, strict=True):
        row = rows[strike_key(strike)] = {"strike": strike}
        if call is not None:
            row["call"] = call
        if put is not None:
            row["put"] = put
    return rows


def _cells(row: int, quotes: Quotes, value: Valuation) -> list[Document | None]:
    """Return the cells (k,) of calls or puts, None where none is listed."""
    columns = _side_columns(row, quotes, value)
    listed = quotes.listed[row].tolist()
    names = tuple(columns)
    cells = zip(*columns.values(), strict=True)
    return [
        dict(zip(names, cell, strict=False)) if is_there else None for is_there, cell in zip(listed, cells, strict=True)
    ]


def strike_key(strike: float) -> str:
    """Return a strike as the text it is known by: rupees without needless zeros."""
    return f"{strike:.2f}".rstrip("0").rstrip(".")


def _side_columns(row: int, quotes: Quotes, value: Valuation) -> dict[str, Sequence[Any]]:
    """Return the columns (k,) of calls or puts."""
    sources = {code.value: word for code, word in _MARK_SOURCES.items()}
    iv_sources = {code.value: word for code, word in _IV_SOURCES.items()}
    reasons = {reason.value: None if reason is Reason.NONE else reason.name.lower() for reason in Reason}
    return {
        "mark": _numbers(value.mark[row]),
        "mark_source": [sources[code] for code in value.mark_source[row].tolist()],
        **{name: _numbers(getattr(quotes, name)[row]) for name in _PRICES},
        **{name: _wholes(getattr(quotes, name)[row]) for name in _AMOUNTS},
        "iv": _numbers(value.iv[row]),
        "iv_reason": [reasons[code] for code in value.iv_reason[row].tolist()],
        "greeks_iv_source": [iv_sources[code] for code in value.greeks_iv_source[row].tolist()],
        **{name: _numbers(getattr(value.greeks, name)[row]) for name in GREEKS},
        "moneyness": _moneyness(SIDES[row], quotes, value),
        **{name: [stamp or None for stamp in getattr(quotes, name)[row].tolist()] for name in _STAMPS},
    }


def _moneyness(side: Side, quotes: Quotes, value: Valuation) -> Sequence[str | None]:
    if math.isnan(value.forward.value):
        return [None] * len(quotes.strike)
    return [moneyness.label(side, step) for step in moneyness.levels(quotes.strike, value.forward.value).tolist()]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else round(value)


def _numbers(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _wholes(values: npt.NDArray[np.float64]) -> list[int | None]:
    return [None if value != value else round(value) for value in values.tolist()]


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

    columns: dict[str, Any] = {name: floats(name) for name in (*_PRICES, *_AMOUNTS)}
    columns |= {name: stamps(name) for name in _STAMPS}
    return Quotes(
        strike=np.array([row["strike"] for row in rows], np.float64),
        listed=np.array([[bool(cell) for cell in side] for side in sides]),
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
