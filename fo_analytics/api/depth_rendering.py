"""From quotes and order books to what `/fo/depth` answers; all numbers by `fo_analytics.domain.depth`."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fo_analytics.domain.chain_view import strike_key
from fo_analytics.domain.depth import (
    Depth,
    DepthState,
    ImpactCost,
    LiquidityTier,
    impact_cost,
    liquidity_score,
    liquidity_tier,
    measure_depth,
)
from fo_analytics.domain.depth_view import book_of, still_holds
from fo_analytics.domain.document import SIDES, within_levels
from fo_analytics.domain.order_book import LEVELS, sides_of
from fo_analytics.domain.ticks import Floats
from fo_analytics.selectors.chains import LIVE
from fo_analytics.selectors.depth import ChainDepth

Json = dict[str, Any]

PRICES = ("bid", "ask", "spread", "spread_percent", "mid")
AMOUNTS = ("bid_quantity", "ask_quantity", "bid_orders", "ask_orders")
BID, ASK = 0, 1


@dataclass(frozen=True, slots=True)
class _Contract:
    """A contract with what is known of its book: (2, LEVELS, 3), prices NaN where nothing is.

    `sized` tells of the bids and the asks whether the quantities were said. `ts` 0: never quoted. `reason` says why it
    is not a full book.
    """

    strike: float
    side: str
    lot_size: int
    quote_ts: int | None
    ts: int
    is_full: bool
    reason: str | None
    book: Floats
    sized: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class _Measures:
    """Measures of n contracts, arrays (n,)."""

    depth: Depth
    buy: ImpactCost
    sell: ImpactCost
    score: Floats
    tier: Floats

    def of(self, at: int) -> "_Measures":
        """Return those of one contract."""
        depth, buy, sell = (type(each)(*(column[at] for column in each)) for each in (self.depth, self.buy, self.sell))
        return _Measures(depth, buy, sell, self.score[at], self.tier[at])  # type: ignore[arg-type]


def render_depth(found: ChainDepth, *, levels: int, option_side: str, lots: int, sort: str) -> Json:
    """Return the answer: contracts within `levels` strikes of the money, what `lots` of each would cost."""
    sides = [side for side in SIDES if option_side in ("both", side)]
    contracts = list(_contracts(found, levels, sides))
    measures = _measure(contracts, lots)
    rows = [_row(found, contract, measures.of(at), lots) for at, contract in enumerate(contracts)]
    head = found.chain.head
    return {
        "underlying": found.underlying.symbol,
        "expiry": found.expiry,
        "labels": list(found.labels),
        "ts_event": found.as_of_ms,
        "ts_expiry": head["ts_expiry"],
        "convention": head["convention"],
        "source": found.chain.source,
        "epoch": found.chain.epoch,
        "seq": found.chain.seq,
        "depth_epoch": found.books and found.books.epoch,
        "depth_seq": found.books and found.books.seq,
        "depth_since": found.books and found.books.document["head"]["since"],
        "forward": head["forward"],
        "atm_strike": head["atm_strike"],
        "levels": levels,
        "lots": lots,
        "contracts": _sorted(rows, sort),
    }


def _contracts(found: ChainDepth, levels: int, sides: Sequence[str]) -> Iterator[_Contract]:
    books = found.books.document["contracts"] if found.books else {}
    rows = within_levels(found.chain.document, levels)["strikes"].values()
    for row in sorted(rows, key=lambda row: float(row["strike"])):
        strike = row["strike"]
        held = books.get(strike_key(strike), {})
        for side in sides:
            if side in row:
                name, book = (strike, side, found.lot_size[strike, side]), held.get(side)
                if book is not None and still_holds(book, row[side], found.opened_ms):
                    yield _full(name, row[side]["quote_ts"], book)
                else:
                    unknown = "no_depth" if book is None else "outdated"
                    yield _best(name, row[side], unknown if found.chain.source == LIVE else "stored")


def _full(name: tuple[float, str, int], quote_ts: int | None, book: Json) -> _Contract:
    """Return a contract with its book."""
    return _Contract(*name, quote_ts, book["ts"], True, None, book_of(book["bids"], book["asks"]), (True, True))


def _best(name: tuple[float, str, int], quote: Json, reason: str) -> _Contract:
    """Return a contract with the best quotes as a book of one level a side, and why there is no more."""
    quote_ts = quote["quote_ts"]
    levels = np.zeros((2, LEVELS, 3))
    if quote_ts is None:
        levels[..., 0] = math.nan
    sized = quote["bid_qty"] is not None, quote["ask_qty"] is not None
    for place, side in enumerate(("bid", "ask")):
        if quote[side] is not None:
            # Where no quantity was said, one unit stands for it, and nothing is told that depends on it.
            quantity = quote[f"{side}_qty"] if sized[place] else 1.0
            levels[place, 0] = quote[side], quantity, math.nan
    return _Contract(*name, quote_ts, quote_ts or 0, False, reason, levels, sized)


def _measure(contracts: list[_Contract], lots: int) -> _Measures:
    levels = np.array([contract.book for contract in contracts]).reshape(-1, 2, LEVELS, 3)
    lot_size = np.array([contract.lot_size for contract in contracts], np.float64)
    bids, asks = sides_of(levels)
    depth = measure_depth(bids, asks)
    buy, sell = (impact_cost(bids, asks, lots * lot_size, is_buy=is_buy) for is_buy in (True, False))
    score = liquidity_score(depth, lot_size)
    return _Measures(depth, buy, sell, score, liquidity_tier(score))  # type: ignore[arg-type]


def _row(found: ChainDepth, contract: _Contract, measures: _Measures, lots: int) -> Json:
    depth, ts = measures.depth, contract.ts or None
    bids, asks = (_levels(contract, side) for side in (BID, ASK))
    return {
        "strike": contract.strike,
        "side": contract.side,
        "lot_size": contract.lot_size,
        "state": DepthState(int(depth.state)).name.lower(),
        "source": "depth" if contract.is_full else "quote" if ts else None,
        "source_reason": contract.reason,
        "ts": ts,
        "age_ms": _age(found, ts),
        "quote_ts": contract.quote_ts,
        "quote_age_ms": _age(found, contract.quote_ts),
        "bids": bids,
        "asks": asks,
        **{name: _number(getattr(depth, name)) for name in PRICES},
        "microprice": _number(depth.microprice) if all(contract.sized) else None,
        **{name: _whole(getattr(depth, name)) if contract.is_full else None for name in AMOUNTS},
        **_imbalance(contract, depth),
        "buy": _impact(contract, depth, measures.buy, lots, ASK),
        "sell": _impact(contract, depth, measures.sell, lots, BID),
        **_liquidity(contract, measures),
    }


def _levels(contract: _Contract, side: int) -> list[Json]:
    return [
        {"price": price, "quantity": _whole(quantity) if contract.sized[side] else None, "orders": _whole(orders)}
        for price, quantity, orders in contract.book[side].tolist()
        if price > 0 and quantity > 0
    ]


def _imbalance(contract: _Contract, depth: Depth) -> Json:
    value = _number(depth.imbalance) if contract.is_full else None
    reason = None
    if value is None:
        reason = {DepthState.UNKNOWN: "no_quote", DepthState.EMPTY: "empty"}.get(int(depth.state), "best_only")  # type: ignore[call-overload]
    return {"imbalance": value, "imbalance_reason": reason}


def _liquidity(contract: _Contract, measures: _Measures) -> Json:
    """A side nobody quotes scores 0 whatever the levels are; every other score needs all of them."""
    score, state = _number(measures.score), int(measures.depth.state)
    reason = None
    if score is None:
        unsaid = "no_orders" if contract.is_full else "best_only"
        reason = {DepthState.UNKNOWN: "no_quote", DepthState.CROSSED: "crossed"}.get(state, unsaid)  # type: ignore[call-overload]
    tier = LiquidityTier(int(measures.tier)).name.lower()
    return {"liquidity_score": score, "liquidity_tier": tier, "liquidity_reason": reason}


def _impact(contract: _Contract, depth: Depth, impact: ImpactCost, lots: int, side: int) -> Json:
    quantity = lots * contract.lot_size
    reason = _impact_reason(contract, depth, impact, side)
    hidden = reason in ("no_quote", "best_only")
    per_unit = _number(impact.cost)
    return {
        "quantity": quantity,
        "filled": None if hidden else _whole(impact.filled),
        "average_price": None if hidden else _number(impact.average_price),
        "cost_per_unit": None if hidden else per_unit,
        "cost": None if hidden or per_unit is None else per_unit * quantity,
        "cost_percent": None if hidden else _number(impact.cost_percent),
        "reason": reason,
    }


def _impact_reason(contract: _Contract, depth: Depth, impact: ImpactCost, side: int) -> str | None:
    """Return why something of an impact cost is null, None where nothing is."""
    state = int(depth.state)
    if state == DepthState.UNKNOWN:
        return "no_quote"
    if not contract.book[side, 0, 1] > 0:
        return "not_quoted"
    if not contract.is_full and (math.isnan(impact.average_price) or not contract.sized[side]):
        return "best_only"
    if math.isnan(impact.average_price):
        return "too_thin"
    if state == DepthState.TWO_SIDED:
        return None
    return "crossed" if state == DepthState.CROSSED else "no_mid"


def _sorted(rows: list[Json], sort: str) -> list[Json]:
    """Rows come in order of strikes, calls first; unknown values go last."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    side, is_cost, _ = name.partition("_cost_percent")
    values = [row[side]["cost_percent"] if is_cost else row[name] for row in rows]
    known = sorted(
        (place for place, value in enumerate(values) if value is not None),
        key=lambda place: float(values[place]),
        reverse=down,
    )
    return [rows[place] for place in known] + [row for row, value in zip(rows, values, strict=True) if value is None]


def _age(found: ChainDepth, ts: int | None) -> int | None:
    return None if ts is None else max(0, found.as_of_ms - ts)


def _number(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def _whole(value: Any) -> int | None:
    return None if math.isnan(value) else round(float(value))
