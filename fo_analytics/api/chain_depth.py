"""The depth of a chain's contracts in short; levels, costs and liquidity are what `/fo/depth` answers."""

import math
from typing import Any

import msgspec
import numpy as np

from fo_analytics.domain.chain_view import SIDES, ChainView, strike_key, whole_numbers
from fo_analytics.domain.depth import Depth, DepthState, measure_depth
from fo_analytics.domain.depth_view import book_of, still_holds
from fo_analytics.domain.document import Document
from fo_analytics.domain.order_book import LEVELS, sides_of
from fo_analytics.domain.ticks import Floats, Ints, Mask

FIELDS = (
    "source", "ts", "age_ms", "state", "spread", "spread_percent", "microprice", "imbalance", "bid_quantity",
    "ask_quantity",
)  # fmt: skip
_ContractDepth = msgspec.defstruct("_ContractDepth", FIELDS)
_STATES = {state.value: state.name.lower() for state in DepthState}


def contract_depths(view: ChainView, books: Document) -> list[list[Any]]:
    """Return what is known of the depth of each contract of a side, by its place on the ladder.

    `books` are live ones: strike text, side, book. Those that a newer quote contradicts are passed over; where there is
    none the best quote is a book of one level. None: never quoted.
    """
    levels, ts = _best_quotes(view, LEVELS if books else 1)
    is_full = _put_books(view, books, levels, ts)
    depth = measure_depth(*sides_of(levels))
    # Where no quantity was said, one unit stood for it.
    sized = is_full | ~(np.isnan(view.field("bid_qty")) | np.isnan(view.field("ask_qty")))
    return [_rendered(side, depth, is_full, sized, ts, int(view.head["ts_event"])) for side in range(len(SIDES))]


def _best_quotes(view: ChainView, count: int) -> tuple[Floats, Ints]:
    """Return the best quotes as books (2, k, 2, count, 3), and their stamps, 0 and NaN prices where never quoted."""
    ts = np.nan_to_num(view.field("quote_ts")).astype(np.int64)
    levels = np.zeros((*ts.shape, 2, count, 3))
    for place, side in enumerate(("bid", "ask")):
        price, quantity = view.field(side), view.field(f"{side}_qty")
        quoted = ~np.isnan(price)
        levels[..., place, 0, 0] = np.where(quoted, price, 0.0)
        levels[..., place, 0, 1] = np.where(quoted, np.where(np.isnan(quantity), 1.0, quantity), 0.0)
    levels[ts == 0, ..., 0] = math.nan
    return levels, ts


def _put_books(view: ChainView, books: Document, levels: Floats, ts: Ints) -> Mask:
    """Put whole books in the place of best quotes where they hold; return of which contracts (2, k)."""
    is_full = np.zeros(ts.shape, np.bool_)
    if not books:
        return is_full
    bid, ask = view.field("bid"), view.field("ask")
    for place, strike in enumerate(view.strike):
        for name, book in books.get(strike_key(strike), {}).items():
            at = SIDES.index(name), place
            quote = {"bid": bid[at], "ask": ask[at], "quote_ts": int(ts[at])}
            if still_holds(book, {key: None if value != value else value for key, value in quote.items()}):
                levels[at], ts[at], is_full[at] = book_of(book["bids"], book["asks"]), book["ts"], True
    return is_full


def _rendered(side: int, depth: Depth, is_full: Mask, sized: Mask, ts: Ints, now: int) -> list[Any]:
    """Return a side's contracts."""
    full = is_full[side]
    amounts = np.where(full, np.stack([depth.bid_quantity[side], depth.ask_quantity[side]]), math.nan)
    whole = whole_numbers(amounts) if full.any() else [[None] * len(full)] * 2  # of the past there are none
    rows = zip(
        np.where(full, "depth", "quote").tolist(),
        ts[side].tolist(),
        np.maximum(now - ts[side], 0).tolist(),
        map(_STATES.get, depth.state[side].tolist()),
        depth.spread[side].tolist(),
        depth.spread_percent[side].tolist(),
        np.where(sized[side], depth.microprice[side], math.nan).tolist(),
        np.where(full, depth.imbalance[side], math.nan).tolist(),
        *whole,
        strict=True,
    )
    return [_ContractDepth(*row) if row[1] else None for row in rows]
