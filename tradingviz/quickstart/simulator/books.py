"""Order books of five levels around the best quotes, and ticks in the form of the wire."""

from collections.abc import Iterator

import numpy as np

from streaming.ticker.codec import LEVELS, TickRow
from tradingviz.quickstart.simulator.listing import TICK
from tradingviz.quickstart.simulator.market import Day, Market, Quotes, spread_ticks
from tradingviz.quickstart.simulator.noise import Floats
from tradingviz.quickstart.simulator.underlyings import SHAPES

LOT_AN_ORDER = 6.0


def books(market: Market, day: Day, quotes: Quotes) -> Floats:
    """Return books (n, 2, 5, 3): bids and asks, best first, each price (rupees), quantity (units) and orders.

    The best levels are those of the quotes; zeros where there is none.
    """
    found, rows = day.listing, quotes.row
    wide = spread_ticks(found, rows, quotes.fair)
    gap = TICK * np.maximum(1.0, np.round(wide / 3))
    levels = np.zeros((len(rows), 2, LEVELS, 3))
    for side, (best, quantity, sign) in enumerate(((quotes.bid, quotes.bid_qty, -1), (quotes.ask, quotes.ask_qty, 1))):
        for level in range(LEVELS):
            price = np.round(best + sign * level * gap, 2)
            size = market.sizes(found, rows, quotes.ts, wide, side, level) if level else quantity
            there = (best > 0) & (price > 0)
            orders = np.ceil(size / found.lot[rows] / LOT_AN_ORDER)
            levels[:, side, level] = np.where(there[:, None], np.stack((price, size, orders), axis=1), 0.0)
    return levels


def wire_rows(market: Market, day: Day, quotes: Quotes) -> Iterator[tuple[str, TickRow]]:
    """Yield underlying and tick; what an instrument does not have is None."""
    numbers = (quotes.last, quotes.volume, quotes.oi, quotes.bid, quotes.bid_qty, quotes.ask, quotes.ask_qty)
    columns = [_nullable(column) for column in numbers]
    traded = ~np.isnan(quotes.ask)
    depth = books(market, day, quotes).tolist()
    which = day.listing.underlying[quotes.row].tolist()
    tokens, stamps = day.listing.token[quotes.row].tolist(), quotes.ts.tolist()
    for at, (token, ts, *row) in enumerate(zip(tokens, stamps, *columns, strict=True)):
        yield SHAPES[which[at]].symbol, (token, ts, *row, depth[at] if traded[at] else None)


def _nullable(column: Floats) -> list[float | None]:
    return [None if number != number else number for number in column.tolist()]
