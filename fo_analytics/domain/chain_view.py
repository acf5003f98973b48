"""A chain as it goes over the wire, held as one matrix: its document, and quickly what changed since another one."""

from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fo_analytics.domain import moneyness
from fo_analytics.domain.chain import CALL, PUT, IvSource, MarkSource, Quotes, Valuation
from fo_analytics.domain.packing import Kind, Packer, Shape, Texts, encode, join, texts
from fo_analytics.domain.pricing import Reason
from fo_analytics.domain.ticks import Floats, Mask
from streaming.domain.sequencing import Document, diff

Side = Literal["call", "put"]
SIDES: tuple[Side, Side] = ("call", "put")
GREEKS = ("delta", "gamma", "theta", "vega", "rho")

PRICES = ("last", "bid", "ask", "tick_size")
AMOUNTS = ("volume", "oi", "bid_qty", "ask_qty")
STAMPS = ("last_ts", "quote_ts", "oi_ts")
FIELDS: dict[str, Kind] = (
    {"mark": Kind.NUMBER, "mark_source": Kind.WORD}
    | dict.fromkeys(PRICES, Kind.NUMBER)
    | dict.fromkeys(AMOUNTS, Kind.WHOLE)
    | {"iv": Kind.NUMBER, "iv_reason": Kind.WORD, "greeks_iv_source": Kind.WORD}
    | dict.fromkeys(GREEKS, Kind.NUMBER)
    | {"moneyness": Kind.WORD}
    | dict.fromkeys(STAMPS, Kind.WHOLE)
)
_WHOLE = [row for row, kind in enumerate(FIELDS.values()) if kind is Kind.WHOLE]
MAX_RUNGS = 2_000
WORDS: dict[str, dict[int, str | None]] = {
    "mark_source": {MarkSource.NONE: None, MarkSource.MID: "mid", MarkSource.LAST: "last"},
    "iv_reason": {reason.value: None if reason is Reason.NONE else reason.name.lower() for reason in Reason},
    "greeks_iv_source": {IvSource.NONE: None, IvSource.OWN: "own", IvSource.OTHER_SIDE: "other_side"},
    # Rungs out of the money: a call's label is that of as many rungs above, a put's below.
    "moneyness": {rungs: moneyness.label("call", rungs) for rungs in range(-MAX_RUNGS, MAX_RUNGS + 1)},
}


_PLACES = {field: row for row, field in enumerate(FIELDS)}
_CODES = {field: {word: code for code, word in words.items()} for field, words in WORDS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class ChainView:
    """What is shown of a chain of k strikes.

    `head` concerns the expiry. `cells` (fields, 2, k) holds FIELDS of calls and puts as numbers, NaN for null; codes
    stand for words. `listed` (2, k) tells which contracts there are.
    """

    head: Document
    strike: tuple[float, ...]
    listed: Mask
    cells: Floats

    @classmethod
    def of(cls, document: Document) -> "ChainView":
        """Return the view of a document; words it does not know become null."""
        rows = sorted(document["strikes"].values(), key=itemgetter("strike"))
        sides = [[row.get(side, {}) for row in rows] for side in SIDES]
        cells = np.empty((len(FIELDS), 2, len(rows)))
        for column, field in zip(cells, FIELDS, strict=True):
            values = [[cell.get(field) for cell in side] for side in sides]
            codes = _CODES.get(field)
            column[:] = values if codes is None else [[codes.get(word) for word in side] for side in values]
        listed = np.array([[bool(cell) for cell in side] for side in sides], bool).reshape(2, -1)
        return cls(document["head"], tuple(float(row["strike"]) for row in rows), listed, cells)

    def field(self, name: str) -> Floats:
        """Return a field's numbers (2, k)."""
        return np.asarray(self.cells[_PLACES[name]])

    def within_levels(self, levels: int) -> "ChainView":
        """Return the view with only the strikes within `levels` rungs of the at-the-money one; all without one."""
        atm = self.head["atm_strike"]
        if atm is None:
            return self
        at = self.strike.index(atm)
        kept = slice(max(at - levels, 0), at + levels + 1)
        return ChainView(self.head, self.strike[kept], self.listed[:, kept], self.cells[:, :, kept])

    def document(self) -> Document:
        """Return the document: nested dicts of JSON values."""
        rows: Document = {strike_key(strike): {"strike": strike} for strike in self.strike}
        for side in (CALL, PUT):
            places = np.flatnonzero(self.listed[side])
            cells = zip(*self.columns(side, places), strict=True)
            for key, cell in zip(self._keys(places), cells, strict=True):
                rows[key][SIDES[side]] = dict(zip(FIELDS, cell, strict=False))
        return {"head": self.head, "strikes": rows}

    def packed(self) -> bytes:
        """Return the document as MessagePack."""
        chosen = np.broadcast_to(self.listed, self.cells.shape)
        strikes = _packer().pack(_texts(self.strike), self.cells, chosen, own=("strike", np.array(self.strike)))
        return join({"head": encode(self.head), "strikes": strikes})

    def packed_patch(self, before: "ChainView") -> bytes:
        """Return what turns the document of `before` into this one's (streaming.domain.sequencing.diff), packed."""
        if self.strike != before.strike or not np.array_equal(self.listed, before.listed):
            return encode(diff(before.document(), self.document()))
        parts: dict[str, bytes] = {}
        if head := diff(before.head, self.head):
            parts["head"] = encode(head)
        changed = (self.cells != before.cells) & ~(np.isnan(self.cells) & np.isnan(before.cells)) & self.listed
        if changed.any():
            parts["strikes"] = _packer().pack(_texts(self.strike), self.cells, changed)
        return join(parts)

    def _keys(self, places: npt.NDArray[np.int64]) -> list[str]:
        return [strike_key(self.strike[place]) for place in places.tolist()]

    def columns(self, side: int, places: npt.NDArray[np.int64]) -> list[list[Any]]:
        """Return every field's JSON values at some places (n,) of a side."""
        cells = self.cells[:, side, places]
        found: list[list[Any]] = cells.tolist()
        for row, column in zip(_WHOLE, whole_numbers(cells[_WHOLE]), strict=True):
            found[row] = column
        for field, words in WORDS.items():
            found[_PLACES[field]] = list(map(words.get, found[_PLACES[field]]))  # a code equals its float
        for row, place in np.argwhere(np.isnan(cells)).tolist():
            found[row][place] = None
        return found


@cache
def _packer() -> Packer:
    return Packer(Shape(FIELDS, SIDES, WORDS))


@lru_cache(maxsize=1_024)
def _texts(strikes: tuple[float, ...]) -> Texts:
    return texts([strike_key(strike) for strike in strikes])


@cache
def strike_key(strike: float) -> str:
    """Return a strike as the text it is known by: rupees without needless zeros."""
    return f"{strike:.2f}".rstrip("0").rstrip(".")


def cells_of(quotes: Quotes, value: Valuation) -> Floats:
    """Return the cells (fields, 2, k) of a valued chain."""
    columns: dict[str, npt.NDArray[Any]] = {name: getattr(quotes, name) for name in (*PRICES, *AMOUNTS)}
    columns |= {name: np.where(getattr(quotes, name) == 0, np.nan, getattr(quotes, name)) for name in STAMPS}
    columns |= {name: getattr(value.greeks, name) for name in GREEKS}
    columns |= {"mark": value.mark, "mark_source": value.mark_source}
    columns |= {"iv": value.iv, "iv_reason": value.iv_reason, "greeks_iv_source": value.greeks_iv_source}
    columns |= {"moneyness": _rungs(quotes.strike, value.forward.value)}
    return np.stack([columns[name] for name in FIELDS]).astype(np.float64)


def _rungs(strike: Floats, forward: float) -> Floats:
    """Return rungs out of the money (2, k)."""
    if np.isnan(forward):
        return np.full((2, len(strike)), np.nan)
    above = moneyness.levels(strike, forward).astype(np.float64)
    return np.stack([above, -above])


def whole_numbers(columns: Floats) -> list[list[Any]]:
    """Return columns (c, n) as whole numbers, None for NaN."""
    absent = np.isnan(columns)
    found: list[list[Any]] = np.rint(np.where(absent, 0.0, columns)).astype(np.int64).tolist()
    for row, place in np.argwhere(absent).tolist():
        found[row][place] = None
    return found
