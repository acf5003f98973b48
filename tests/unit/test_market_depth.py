"""Market depth: books worked out by hand, defined answers for bad ones, and a walk unit by unit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.depth import (
    DepthState,
    Levels,
    LiquidityTier,
    impact_cost,
    liquidity_score,
    liquidity_tier,
    measure_depth,
)

NAN = math.nan
LOT = 65


def side(*levels: tuple[float, float, float]) -> Levels:
    """Five levels of (price, quantity, orders), filled up with zeros, as a feed sends them."""
    rows = [*levels, *[(0.0, 0.0, 0.0)] * (5 - len(levels))]
    return Levels(*(np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)))


BIDS = side((99.0, 650, 4), (98.5, 1300, 6), (98.0, 1950, 5), (97.0, 325, 1), (96.0, 65, 1))  # 4,290 units, 17 orders
ASKS = side((101.0, 130, 2), (101.5, 650, 3), (102.0, 260, 1), (103.0, 390, 2), (110.0, 715, 2))  # 2,145 and 10
NOBODY = side()
UNSAID = Levels(*(np.full(5, NAN) for _ in range(3)))


def test_spread_mid_and_sums_of_a_full_book() -> None:
    found = measure_depth(BIDS, ASKS)
    assert int(found.state) == DepthState.TWO_SIDED
    assert (float(found.bid), float(found.ask)) == (99.0, 101.0)
    assert (float(found.spread), float(found.mid), float(found.spread_percent)) == (2.0, 100.0, 2.0)
    assert (float(found.bid_quantity), float(found.ask_quantity)) == (4290.0, 2145.0)
    assert (float(found.bid_orders), float(found.ask_orders)) == (17.0, 10.0)


def test_imbalance_is_over_all_five_levels() -> None:
    assert float(measure_depth(BIDS, ASKS).imbalance) == pytest.approx(2145 / 6435)
    assert float(measure_depth(ASKS, BIDS).bid_quantity) == 2145.0


def test_the_microprice_leans_to_the_side_with_less_on_it() -> None:
    # (99 · 130 + 101 · 650) / 780 = 100.666…: the ask is thin, and about to go.
    assert float(measure_depth(BIDS, ASKS).microprice) == pytest.approx(100 + 2 / 3, rel=1e-15)


def test_a_purchase_walks_up_the_asks() -> None:
    found = impact_cost(BIDS, ASKS, 10 * LOT, is_buy=True)
    # 130 at 101, 520 at 101.5: 65,910 / 650 = 101.4.
    assert float(found.average_price) == pytest.approx(101.4)
    assert float(found.cost) == pytest.approx(1.4)
    assert float(found.cost_percent) == pytest.approx(1.4)
    assert float(found.filled) == 650.0


def test_a_sale_walks_down_the_bids() -> None:
    found = impact_cost(BIDS, ASKS, 20 * LOT, is_buy=False)
    # 650 at 99, 650 at 98.5.
    assert float(found.average_price) == pytest.approx(98.75)
    assert float(found.cost) == pytest.approx(1.25)


def test_a_quantity_of_exactly_what_is_there_is_filled_and_one_more_is_not() -> None:
    all_of_it = impact_cost(BIDS, ASKS, 2145, is_buy=True)
    # 13,130 + 65,975 + 26,520 + 40,170 + 78,650 = 224,445 rupees.
    assert float(all_of_it.average_price) == pytest.approx(224_445 / 2145)
    too_much = impact_cost(BIDS, ASKS, 2146, is_buy=True)
    assert [float(value) for value in too_much] == pytest.approx([NAN, NAN, NAN, 2145.0], nan_ok=True)


def test_one_unit_costs_half_the_spread() -> None:
    assert float(impact_cost(BIDS, ASKS, 1, is_buy=True).cost) == 1.0
    assert float(impact_cost(BIDS, ASKS, 1, is_buy=False).cost) == 1.0


@pytest.mark.parametrize(
    ("bids", "asks", "state", "bid", "ask", "imbalance"),
    [
        (BIDS, NOBODY, DepthState.BID_ONLY, 99.0, NAN, 1.0),
        (NOBODY, ASKS, DepthState.ASK_ONLY, NAN, 101.0, -1.0),
        (NOBODY, NOBODY, DepthState.EMPTY, NAN, NAN, NAN),
        (side((101.5, 65, 1)), ASKS, DepthState.CROSSED, 101.5, 101.0, -32 / 34),
        (BIDS, UNSAID, DepthState.UNKNOWN, NAN, NAN, NAN),
        (UNSAID, UNSAID, DepthState.UNKNOWN, NAN, NAN, NAN),
    ],
)
def test_a_book_that_is_not_two_sided_has_no_mid_and_says_what_it_is(
    bids: Levels, asks: Levels, state: DepthState, bid: float, ask: float, imbalance: float
) -> None:
    found = measure_depth(bids, asks)
    assert int(found.state) == state
    assert [float(found.bid), float(found.ask)] == pytest.approx([bid, ask], nan_ok=True)
    assert float(found.imbalance) == pytest.approx(imbalance, nan_ok=True)
    assert all(math.isnan(one) for one in (found.mid, found.spread, found.spread_percent, found.microprice))


def test_a_locked_book_has_no_spread_but_a_mid() -> None:
    found = measure_depth(side((101.0, 65, 1)), ASKS)
    assert int(found.state) == DepthState.TWO_SIDED
    assert (float(found.spread), float(found.mid), float(found.microprice)) == (0.0, 101.0, 101.0)


def test_without_a_mid_a_fill_has_a_price_but_no_cost() -> None:
    found = impact_cost(NOBODY, ASKS, 130, is_buy=True)
    assert float(found.average_price) == 101.0
    assert math.isnan(found.cost)
    assert math.isnan(found.cost_percent)
    assert [float(one) for one in impact_cost(NOBODY, ASKS, 65, is_buy=False)] == pytest.approx(
        [NAN, NAN, NAN, 0.0], nan_ok=True
    )
    assert math.isnan(impact_cost(BIDS, UNSAID, 65, is_buy=True).filled)


def test_levels_need_a_price_and_a_quantity_and_no_order() -> None:
    shuffled = side((98.0, 1950, 5), (99.0, 650, 4), (97.0, 0, 3), (0.0, 500, 1), (98.5, 1300, 6))
    found = measure_depth(shuffled, ASKS)
    assert (float(found.bid), float(found.bid_quantity), float(found.bid_orders)) == (99.0, 3900.0, 15.0)
    assert float(impact_cost(shuffled, ASKS, 1300, is_buy=False).average_price) == 98.75


def test_the_score_adds_its_four_parts() -> None:
    # spread 2 % of 5 %: 60; thinner side 33 lots of 100: 33; 10 orders of 25: 40; imbalance a third: 66.67.
    score = liquidity_score(measure_depth(BIDS, ASKS), LOT)
    assert float(score) == pytest.approx(0.4 * 60 + 0.3 * 33 + 0.2 * 40 + 0.1 * 200 / 3)


def test_the_score_ends_at_0_and_100() -> None:
    best = [side(*[(price + sign * step, 6500, 9) for step in range(5)]) for price, sign in ((1e4, -1), (1e4, 1))]
    assert float(liquidity_score(measure_depth(*best), LOT)) == 100.0
    wide = liquidity_score(measure_depth(side((50.0, 65, 0)), side((100.0, 1e9, 0))), 65e6)
    assert float(wide) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    ("bids", "asks", "score"),
    [
        (BIDS, NOBODY, 0.0),
        (NOBODY, ASKS, 0.0),
        (NOBODY, NOBODY, 0.0),
        (side((101.5, 65, 1)), ASKS, NAN),
        (UNSAID, ASKS, NAN),
        (BIDS._replace(orders=np.full(5, NAN)), ASKS, NAN),
    ],
)
def test_nobody_is_no_liquidity_and_nonsense_is_unknown(bids: Levels, asks: Levels, score: float) -> None:
    assert float(liquidity_score(measure_depth(bids, asks), LOT)) == pytest.approx(score, nan_ok=True)


def test_tiers_begin_at_80_60_and_40() -> None:
    scores = [100.0, 80.0, 79.99, 60.0, 59.99, 40.0, 39.99, 0.0, NAN]
    names = ["HIGH", "HIGH", "MEDIUM", "MEDIUM", "LOW", "LOW", "ILLIQUID", "ILLIQUID", "UNKNOWN"]
    assert [LiquidityTier(code).name for code in liquidity_tier(scores).tolist()] == names


def stacked(*sides: Levels) -> Levels:
    """Many contracts' sides as one."""
    return Levels(*(np.stack(columns) for columns in zip(*sides, strict=True)))


def test_many_contracts_at_once_are_as_one_by_one() -> None:
    pairs = [(BIDS, ASKS), (NOBODY, ASKS), (BIDS, UNSAID), (side((101.5, 65, 1)), ASKS), (NOBODY, NOBODY)]
    bids, asks = stacked(*(pair[0] for pair in pairs)), stacked(*(pair[1] for pair in pairs))
    together, costs = measure_depth(bids, asks), impact_cost(bids, asks, [65, 650, 65, 65, 65], is_buy=True)
    for at, (bid, ask) in enumerate(pairs):
        alone = measure_depth(bid, ask)
        np.testing.assert_array_equal([column[at] for column in together], alone)
        cost = impact_cost(bid, ask, [65, 650, 65, 65, 65][at], is_buy=True)
        np.testing.assert_array_equal([column[at] for column in costs], cost)
    assert liquidity_score(together, LOT).shape == (5,)


def test_what_cannot_be_asked_raises() -> None:
    with pytest.raises(ValueError, match="positive"):
        impact_cost(BIDS, ASKS, 0, is_buy=True)
    with pytest.raises(ValueError, match="shape"):
        measure_depth(BIDS, stacked(ASKS, ASKS))


levels = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(0, 3)), min_size=5, max_size=5)


@given(levels, levels, st.integers(1, 20), st.booleans())
def test_walking_the_levels_is_taking_the_best_unit_again_and_again(
    below: list[tuple[int, int, int]], above: list[tuple[int, int, int]], quantity: int, is_buy: bool
) -> None:
    bids = side(*((float(p), float(q), float(n)) for p, q, n in below))
    asks = side(*((float(p) + 12 * (p > 0), float(q), float(n)) for p, q, n in above))
    price, units = (asks if is_buy else bids)[:2]
    one_by_one = sorted(
        (float(p) for p, q in zip(price, units, strict=True) for _ in range(int(q)) if p > 0), reverse=not is_buy
    )
    taken = one_by_one[:quantity]
    found = impact_cost(bids, asks, quantity, is_buy=is_buy)
    assert float(found.filled) == len(taken)
    average = sum(taken) / quantity if len(taken) == quantity else NAN
    assert float(found.average_price) == pytest.approx(average, nan_ok=True)


@given(levels, levels)
def test_score_and_imbalance_stay_within_their_bounds(
    below: list[tuple[int, int, int]], above: list[tuple[int, int, int]]
) -> None:
    bids = side(*((float(p), float(q), float(n)) for p, q, n in below))
    asks = side(*((float(p) + 8 * (p > 0), float(q), float(n)) for p, q, n in above))
    found = measure_depth(bids, asks)
    score = float(liquidity_score(found, 1))
    assert math.isnan(score) == (int(found.state) == DepthState.CROSSED)
    assert math.isnan(score) or 0 <= score <= 100
    assert math.isnan(found.imbalance) or -1 <= float(found.imbalance) <= 1
    if int(found.state) == DepthState.TWO_SIDED:
        assert found.bid <= found.microprice <= found.ask
