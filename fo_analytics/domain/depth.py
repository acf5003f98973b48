"""Market depth of contracts: spread, mid, microprice, imbalance, what a quantity would cost, how liquid it is.

Each side is `Levels`: price (rupees), quantity (units) and number of orders, (5,) of one contract or (n, 5) of many,
any number of levels. A level is there where price and quantity are positive; the order of levels does not matter. A
side whose prices are all NaN was not said (`UNKNOWN`), one of zeros is quoted by nobody.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.ticks import Floats, Mask

Classes = npt.NDArray[np.uint8]

SPREAD_SHARE, DEPTH_SHARE, ORDERS_SHARE, BALANCE_SHARE = 40.0, 30.0, 20.0, 10.0
WIDEST_SPREAD_PERCENT = 5.0
FULL_LOTS = 100.0
FULL_ORDERS = 25.0


class DepthState(IntEnum):
    """Which sides are quoted; a uint8 in arrays."""

    UNKNOWN = 0
    EMPTY = 1
    BID_ONLY = 2
    ASK_ONLY = 3
    CROSSED = 4  # best bid above best ask: no price of it means anything
    TWO_SIDED = 5


class LiquidityTier(IntEnum):
    """Liquidity score from 80, from 60, from 40, below; a uint8 in arrays."""

    UNKNOWN = 0
    ILLIQUID = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4


class Levels(NamedTuple):
    """One side's levels, arrays (..., levels) of one shape."""

    price: Floats
    quantity: Floats
    orders: Floats


class Depth(NamedTuple):
    """Measures of n contracts, arrays (n,) (or scalars).

    `state` DepthState. `bid`, `ask` the best prices, NaN where a side is not quoted. `spread`, `mid`, `microprice`
    rupees, `spread_percent` of the mid: NaN unless two-sided. Quantities (units) and orders are sums over the
    levels, 0 for a side nobody quotes. `imbalance` (Σ bid − Σ ask) / (Σ bid + Σ ask) of quantities, −1 to 1; NaN
    where nothing is quoted. All NaN where UNKNOWN."""

    state: Classes
    bid: Floats
    ask: Floats
    spread: Floats
    spread_percent: Floats
    mid: Floats
    microprice: Floats
    imbalance: Floats
    bid_quantity: Floats
    ask_quantity: Floats
    bid_orders: Floats
    ask_orders: Floats


class ImpactCost(NamedTuple):
    """What taking a quantity costs, arrays (n,) (or scalars).

    `average_price` paid or received and `cost` against the mid: rupees per unit; `cost_percent` of the mid. All
    three NaN where the levels hold less, the cost ones also without a mid. `filled`: units the levels do hold of
    the quantity."""

    average_price: Floats
    cost: Floats
    cost_percent: Floats
    filled: Floats


def measure_depth(bids: Levels, asks: Levels) -> Depth:
    """Measure both sides of contracts; see `Depth`.

    microprice = (B·askQty + A·bidQty) / (bidQty + askQty), of the best level of each side: nearer the side that is
    about to be used up. Raises ValueError where the sides' shapes differ.
    """
    if bids.price.shape != asks.price.shape:
        raise ValueError(f"bids of shape {bids.price.shape} and asks of shape {asks.price.shape}")
    (bid, bid_top), (ask, ask_top) = _best(bids, -1.0), _best(asks, 1.0)
    known = _said(bids) & _said(asks)
    state = _state(bid, ask, known)
    two_sided = state == DepthState.TWO_SIDED
    mid = np.where(two_sided, (bid + ask) / 2, np.nan)
    spread = np.where(two_sided, ask - bid, np.nan)
    microprice = np.where(two_sided, (bid * ask_top + ask * bid_top) / (bid_top + ask_top), np.nan)
    bid_quantity, ask_quantity = _total(bids, bids.quantity, known), _total(asks, asks.quantity, known)
    both = bid_quantity + ask_quantity
    return Depth(
        state=state,
        bid=np.where(known, bid, np.nan),
        ask=np.where(known, ask, np.nan),
        spread=spread,
        spread_percent=100.0 * spread / mid,
        mid=mid,
        microprice=microprice,
        imbalance=(bid_quantity - ask_quantity) / np.where(both > 0, both, np.nan),
        bid_quantity=bid_quantity,
        ask_quantity=ask_quantity,
        bid_orders=_total(bids, bids.orders, known),
        ask_orders=_total(asks, asks.orders, known),
    )


def impact_cost(bids: Levels, asks: Levels, quantity: npt.ArrayLike, *, is_buy: bool) -> ImpactCost:
    """What buying (taking asks, cheapest first) or selling (taking bids, dearest first) `quantity` units costs.

    quantity: units (lots × lot size), > 0, one for all or (n,). The cost is average price − mid for a purchase, mid
    − average price for a sale, hence never negative. Crossed levels have no mid, and no cost. Raises ValueError for
    a quantity that is not positive.
    """
    wanted = np.asarray(quantity, dtype=np.float64)
    if not (wanted > 0).all():
        raise ValueError("the quantity must be positive")
    side = asks if is_buy else bids
    price, available = _ordered(side, 1.0 if is_buy else -1.0)
    before = np.cumsum(available, axis=-1) - available
    taken = np.clip(wanted[..., None] - before, 0.0, available)
    filled = taken.sum(axis=-1)
    enough = np.cumsum(available, axis=-1)[..., -1] >= wanted
    average = np.where(enough, (taken * price).sum(axis=-1) / wanted, np.nan)
    mid = measure_depth(bids, asks).mid
    cost = average - mid if is_buy else mid - average
    return ImpactCost(average, cost, 100.0 * cost / mid, np.where(_said(side), filled, np.nan))


def liquidity_score(depth: Depth, lot_size: npt.ArrayLike) -> Floats:
    """0 to 100 per contract: 40 % spread + 30 % depth + 20 % orders + 10 % balance, each part 0 to 100 and linear.

    * spread: 100 at none, 0 from 5 % of the mid on;
    * depth: lots (units / `lot_size`) on the thinner side, all levels; 100 from 100 lots on;
    * orders: orders on the thinner side, all levels; 100 from 25 on (5 on each of 5 levels);
    * balance: 100 · (1 − |imbalance|).

    0 where one side or both are quoted by nobody: nobody can get in *and* out. NaN where crossed or unknown, or
    where the numbers of orders are.
    """
    thinner = np.minimum(depth.bid_quantity, depth.ask_quantity) / np.asarray(lot_size, dtype=np.float64)
    orders = np.minimum(depth.bid_orders, depth.ask_orders)
    score = (
        SPREAD_SHARE * np.clip(1.0 - depth.spread_percent / WIDEST_SPREAD_PERCENT, 0.0, 1.0)
        + DEPTH_SHARE * np.clip(thinner / FULL_LOTS, 0.0, 1.0)
        + ORDERS_SHARE * np.clip(orders / FULL_ORDERS, 0.0, 1.0)
        + BALANCE_SHARE * (1.0 - np.abs(depth.imbalance))
    )
    nobody = np.isin(depth.state, (DepthState.EMPTY, DepthState.BID_ONLY, DepthState.ASK_ONLY))
    return np.where(nobody, 0.0, score)


def liquidity_tier(score: npt.ArrayLike) -> Classes:
    """The `LiquidityTier` (uint8) of scores, any shape: HIGH from 80, MEDIUM from 60, LOW from 40; NaN: UNKNOWN."""
    scores = np.asarray(score, dtype=np.float64)
    tier = np.digitize(scores, [40.0, 60.0, 80.0]) + LiquidityTier.ILLIQUID
    return np.where(np.isnan(scores), LiquidityTier.UNKNOWN, tier).astype(np.uint8)


def _there(side: Levels) -> Mask:
    return np.asarray((side.price > 0) & (side.quantity > 0))


def _said(side: Levels) -> Mask:
    return np.asarray(~np.isnan(side.price).all(axis=-1))


def _ordered(side: Levels, sign: float) -> tuple[Floats, Floats]:
    """Prices and quantities, best first (sign 1: lowest, -1: highest); levels that are not there last, 0 units."""
    there = _there(side)
    order = np.argsort(np.where(there, sign * side.price, np.inf), axis=-1, kind="stable")
    price, quantity = np.where(there, side.price, 0.0), np.where(there, side.quantity, 0.0)
    return np.take_along_axis(price, order, axis=-1), np.take_along_axis(quantity, order, axis=-1)


def _best(side: Levels, sign: float) -> tuple[Floats, Floats]:
    """Best price and the units there; NaN where the side is not quoted."""
    price, quantity = _ordered(side, sign)
    quoted = quantity[..., 0] > 0
    return np.where(quoted, price[..., 0], np.nan), np.where(quoted, quantity[..., 0], np.nan)


def _state(bid: Floats, ask: Floats, known: Mask) -> Classes:
    has_bid, has_ask = ~np.isnan(bid), ~np.isnan(ask)
    state = np.select(
        [~known, bid > ask, has_bid & has_ask, has_bid, has_ask],
        [DepthState.UNKNOWN, DepthState.CROSSED, DepthState.TWO_SIDED, DepthState.BID_ONLY, DepthState.ASK_ONLY],
        DepthState.EMPTY,
    )
    return state.astype(np.uint8)


def _total(side: Levels, amount: Floats, known: Mask) -> Floats:
    """Sum over the levels that are there."""
    return np.where(known, np.where(_there(side), amount, 0.0).sum(axis=-1), np.nan)
