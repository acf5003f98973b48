"""The order books of an expiry as they go over the wire: their document, and what changed since another one.

A document is nested dicts: `head` (underlying, expiry, `ts_event` the newest book's stamp, `since` when ingest began to
collect them, both ms UTC) and `contracts`, which maps a strike's text to `call` and `put`, where a book is known. A
book is `ts`, `bids` and `asks`; a side a list of levels `[price, quantity, orders]`, best first, orders null where
they were not said.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from fo_analytics.domain.chain_view import SIDES, strike_key
from fo_analytics.domain.order_book import LEVELS
from fo_analytics.domain.ticks import Floats, Ints, Mask
from streaming.domain.sequencing import Document, diff

Rung = tuple[float, int, int | None]
Cell = tuple[int, list[Rung], list[Rung]]
FIELDS = ("ts", "bids", "asks")
MOST_BEHIND_MS = 60_000
encode = msgspec.msgpack.Encoder().encode


def still_holds(book: Document, quote: Document, opened_ms: int = 0) -> bool:
    """Return whether a contract's book is what is offered now: it is of the session opened at `opened_ms` (UTC), and
    a newer best quote (`bid`, `ask`, `quote_ts` of a chain's contract) has the same prices and is a minute newer at
    most."""
    behind_ms = (quote["quote_ts"] or 0) - book["ts"]
    best = [side[0][0] if side else None for side in (book["bids"], book["asks"])]
    is_said_again = behind_ms <= MOST_BEHIND_MS and best == [quote["bid"], quote["ask"]]
    return bool(book["ts"] >= opened_ms and (behind_ms <= 0 or is_said_again))


@dataclass(frozen=True, eq=False)
class DepthView:
    """The books of an expiry of k strikes: `ts` (2, k), 0 where none is known, `levels` (2, k, 2, LEVELS, 3).

    A level that is not there is all zeros.
    """

    head: Document
    strike: tuple[float, ...]
    ts: Ints
    levels: Floats

    def document(self) -> Document:
        """Return the document."""
        side, place = np.nonzero(self.ts > 0)
        cells = zip(side.tolist(), place.tolist(), self._cells, strict=True)
        return self._placed((of, at, dict(zip(FIELDS, cell, strict=True))) for of, at, cell in cells)

    def packed(self) -> bytes:
        """Return the document as MessagePack."""
        return encode(self.document())

    def packed_patch(self, before: "DepthView") -> bytes:
        """Return what turns the document of `before` into this one's (streaming.domain.sequencing.diff), packed."""
        if self.strike != before.strike or ((before.ts > 0) & (self.ts == 0)).any():
            return encode(diff(before.document(), self.document()))
        known = self.ts > 0
        changed = (self._leaves(before) | ((before.ts == 0) & known)[..., None])[known]
        patch = self._placed(
            (of, at, {name: value for name, value, new in zip(FIELDS, cell, differs, strict=True) if new})
            for of, at, cell, differs in self._with_changes(known, changed)
        )
        head = diff(before.head, self.head)
        return encode(
            ({"head": head} if head else {}) | ({"contracts": patch["contracts"]} if patch["contracts"] else {})
        )

    def _leaves(self, before: "DepthView") -> Mask:
        """Return which leaves (2, k, FIELDS) differ."""
        levels, held = (np.nan_to_num(view.levels, nan=-1.0) for view in (self, before))
        return np.concatenate([(self.ts != before.ts)[..., None], (levels != held).any(axis=(3, 4))], axis=-1)

    def _with_changes(self, known: Mask, changed: Mask) -> Iterator[tuple[int, int, Cell, list[bool]]]:
        side, place = np.nonzero(known)
        for row in np.flatnonzero(changed.any(axis=1)).tolist():
            yield int(side[row]), int(place[row]), self._cells[row], changed[row].tolist()

    def _placed(self, cells: Iterable[tuple[int, int, Document]]) -> Document:
        contracts: Document = {}
        for of, at, cell in cells:
            contracts.setdefault(strike_key(self.strike[at]), {})[SIDES[of]] = cell
        return {"head": self.head, "contracts": contracts}

    @cached_property
    def _cells(self) -> list[Cell]:
        """The values of FIELDS of the books that are known, calls first: written twice, for the state and the frame."""
        known = self.ts > 0
        return [(ts, *book) for ts, book in zip(self.ts[known].tolist(), _books(self.levels[known]), strict=True)]


def _books(levels: Floats) -> list[tuple[list[Rung], list[Rung]]]:
    """Return books (m, 2, LEVELS, 3) as lists of the levels that are there: they come first."""
    there = (levels[..., 1] > 0).sum(axis=-1).tolist()
    prices = levels[..., 0].tolist()
    quantities = np.round(levels[..., 1]).astype(np.int64).tolist()
    orders = _whole(levels[..., 2])
    books = zip(prices, quantities, orders, there, strict=True)
    return [
        (list(zip(p[0], q[0], o[0], strict=True))[: count[0]], list(zip(p[1], q[1], o[1], strict=True))[: count[1]])
        for p, q, o, count in books
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
