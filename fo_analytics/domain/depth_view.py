"""The order books of an expiry as they go over the wire: their document, and what changed since another one.

A document is nested dicts: `head` (underlying, expiry, `ts_event` the newest book's stamp, `since` when ingest began to
collect them, both ms UTC) and `contracts`, which maps a strike's text to `call` and `put`, where a book is known. A
book is `ts`, `bids` and `asks`; a side a list of levels `[price, quantity, orders]`, best first, orders null where
they were not said.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from fo_analytics.domain.chain_view import SIDES, strike_key
from fo_analytics.domain.order_book import LEVELS
from fo_analytics.domain.ticks import Floats, Ints, Mask
from streaming.domain.sequencing import Document, diff

encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True, eq=False)
class DepthView:
    """The books of an expiry of k strikes: `ts` (2, k), 0 where none is known, `levels` (2, k, 2, LEVELS, 3)."""

    head: Document
    strike: tuple[float, ...]
    ts: Ints
    levels: Floats

    def document(self) -> Document:
        """Return the document."""
        return self.part(self.ts > 0)

    def packed(self) -> bytes:
        """Return the document as MessagePack."""
        return encode(self.document())

    def packed_patch(self, before: "DepthView") -> bytes:
        """Return what turns the document of `before` into this one's, packed; only changed books are looked at."""
        if self.strike != before.strike or ((before.ts > 0) & (self.ts == 0)).any():
            return encode(diff(before.document(), self.document()))
        levels, held = (np.nan_to_num(view.levels, nan=-1.0) for view in (self, before))
        changed = (self.ts != before.ts) | (levels != held).any(axis=(2, 3, 4))
        return encode(diff(before.part(changed & (before.ts > 0)), self.part(changed & (self.ts > 0))))

    def part(self, shown: Mask) -> Document:
        """Return the document with only the books in a mask (2, k)."""
        contracts: Document = {}
        side, place = np.nonzero(shown)
        cells = zip(side.tolist(), place.tolist(), self.ts[shown].tolist(), _books(self.levels[shown]), strict=True)
        for of, at, ts, (bids, asks) in cells:
            contracts.setdefault(strike_key(self.strike[at]), {})[SIDES[of]] = {"ts": ts, "bids": bids, "asks": asks}
        return {"head": self.head, "contracts": contracts}


Rung = tuple[float, int, int | None]


def _books(levels: Floats) -> list[list[list[Rung]]]:
    """Return books (m, 2, LEVELS, 3) as lists of the levels that are there: they come first."""
    there = (levels[..., 1] > 0).sum(axis=-1).tolist()
    prices = levels[..., 0].tolist()
    quantities = np.round(levels[..., 1]).astype(np.int64).tolist()
    orders = _whole(levels[..., 2])
    return [
        [list(zip(*side, strict=False))[:count] for *side, count in zip(*book, strict=True)]
        for book in zip(prices, quantities, orders, there, strict=True)
    ]


def _whole(orders: Floats) -> list[list[list[int | None]]]:
    whole = np.round(np.nan_to_num(orders, nan=0.0)).astype(np.int64).astype(object)
    whole[np.isnan(orders)] = None
    found: list[list[list[int | None]]] = whole.tolist()
    return found


def book_of(bids: list[Rung], asks: list[Rung]) -> Floats:
    """Return a document's book as numbers (2, LEVELS, 3): zeros where there is no level, NaN for unsaid orders."""
    book = np.zeros((2, LEVELS, 3))
    for side, levels in zip(book, (bids, asks), strict=True):
        if levels:
            side[: len(levels)] = np.array(levels, np.float64)
    return book
