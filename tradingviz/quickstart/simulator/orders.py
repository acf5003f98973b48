"""Order updates of demo accounts: each order's whole life is a function of its number. Pure."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from fo_analytics.domain.calendar import from_ms, ist_date
from tradingviz.quickstart.simulator import noise
from tradingviz.quickstart.simulator.listing import CALL, PUT, tradingsymbol
from tradingviz.quickstart.simulator.market import FRAME_MS, Market
from tradingviz.quickstart.simulator.underlyings import SHAPES

ACCOUNTS = ("DEMO01", "DEMO02", "DEMO03")
EVERY_MS = 4_000
LONGEST_MS = 60_000
OPEN, PARTIAL, COMPLETE, CANCELLED, REJECTED = "OPEN", "PARTIAL", "COMPLETE", "CANCELLED", "REJECTED"
_SEED = 9 << 33
# How many orders of a hundred take each course.
_COURSES = ((45, (OPEN, COMPLETE)), (75, (OPEN, PARTIAL, COMPLETE)), (85, (OPEN, PARTIAL, CANCELLED)))
_LAST_COURSES = ((95, (OPEN, CANCELLED)), (100, (OPEN, REJECTED)))

Update = dict[str, Any]


def updates(market: Market, *, after_ms: int, until_ms: int) -> list[Update]:
    """Return the updates of (after, until] (ms UTC) in order of time: what docs/protocol.md calls an order update."""
    first, last = (after_ms - LONGEST_MS) // EVERY_MS, until_ms // EVERY_MS
    found = [update for number in range(first, last + 1) for update in life(market, number)]
    return sorted((u for u in found if after_ms < u["ts"] <= until_ms), key=lambda u: (u["ts"], u["order_id"]))


@lru_cache(maxsize=256)
def life(market: Market, number: int) -> tuple[Update, ...]:
    """Return the updates of an order, from OPEN to the end; all within LONGEST_MS."""
    return tuple(_life(market, number))


def _life(market: Market, number: int) -> Iterator[Update]:
    luck = noise.uniform(market.seed + _SEED, number, np.arange(8)).tolist()
    placed = number * EVERY_MS + int(luck[0] * EVERY_MS) // FRAME_MS * FRAME_MS
    terms = _terms(market, placed, luck)
    course = next(steps for limit, steps in _COURSES + _LAST_COURSES if luck[4] * 100 < limit)
    quantity, partly = terms["quantity"], terms["lot"] * max(1, round(luck[5] * terms["lot_count"] / 2))
    filled, done = 0, terms["lot_count"] == 1
    for step, status in enumerate(course):
        if status == PARTIAL and done:  # one lot is not divided
            continue
        filled = {OPEN: 0, PARTIAL: partly, COMPLETE: quantity}.get(status, filled)
        ts = placed + step * (1_000 + int(luck[6] * 20_000))
        yield _update(terms, number, status, ts, filled)


def _terms(market: Market, ts: int, luck: list[float]) -> Update:
    """Return contract, side, size and limit of an order placed at `ts` (ms UTC): an option near the money."""
    day = market.day_at(ts)
    found = day.listing
    underlying = (0, 1, 3)[int(luck[1] * 3)]
    options = (found.underlying == underlying) & (found.kind >= CALL) & (found.expires_ms > ts + LONGEST_MS)
    nearest = np.flatnonzero(options & (found.expires_ms == found.expires_ms[options].min()))
    spot = SHAPES[underlying].spot
    near = nearest[np.argsort(np.abs(found.strike[nearest] - spot), kind="stable")[:14]]
    row = near[int(luck[2] * len(near))]
    quote = market.quotes(day, np.array([row]), np.array([ts]))
    shape, kind, lots = SHAPES[underlying], int(found.kind[row]), 1 + int(luck[3] * 10)
    buys = luck[7] < 0.5
    return {
        "token": int(found.token[row]),
        "exchange": "NFO" if shape.exchange == "NSE" else "BFO",
        "tradingsymbol": tradingsymbol(shape, kind, found.expiry[row], float(found.strike[row])),
        "option_type": "PE" if kind == PUT else "CE",
        "side": "BUY" if buys else "SELL",
        "lot": shape.lot,
        "lot_count": lots,
        "quantity": lots * shape.lot,
        "price": float((quote.ask if buys else quote.bid)[0]) or 0.05,
    }


def _update(terms: Update, number: int, status: str, ts: int, filled: int) -> Update:
    named = ("token", "exchange", "tradingsymbol", "side", "quantity", "price")
    return {
        "account": ACCOUNTS[number % len(ACCOUNTS)],
        "order_id": f"{ist_date(from_ms(number * EVERY_MS)):%y%m%d}{number:010d}",
        "status": status,
        "ts": ts,
        **{name: terms[name] for name in named},
        "order_type": "LIMIT",
        "product": "NRML",
        "filled": filled,
        "average_price": terms["price"] if filled else None,
        "reason": "insufficient margin" if status == REJECTED else None,
    }
