"""Orders and positions: whatever comes twice or in another order ends in the same state, and no paisa is lost."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.domain.orders import (
    RANK,
    InvalidUpdate,
    Order,
    OrderUpdate,
    Status,
    begun,
    merged,
    merged_all,
    read_update,
)
from accounts.domain.positions import Open, Trades, after, carried_through, unrealised

START = 1_795_366_513_250
TERMS: dict[str, Any] = {
    "order_id": "1", "token": 43712601, "exchange": "NFO", "tradingsymbol": "NIFTY26NOV2426000CE", "side": "BUY",
    "order_type": "LIMIT", "product": "NRML", "quantity": 195, "price": 171.4,
}  # fmt: skip
prices = st.integers(5, 10**7).map(lambda points: Decimal(points) / 10_000)


@st.composite
def updates(draw: st.DrawFn) -> OrderUpdate:
    """An update of one order, as likely as not to contradict others."""
    status = draw(st.sampled_from(Status))
    filled = 195 if status is Status.COMPLETE else draw(st.sampled_from((0, 65, 130)))
    changed = {"price": draw(st.sampled_from((171.4, 171.45, None))), "quantity": 195}
    said = {"status": status, "ts": START + draw(st.integers(0, 3)), "filled": filled}
    return read_update(TERMS | changed | said | {"average_price": draw(prices)})


def state(found: list[OrderUpdate]) -> Order:
    """Return the state that updates end in."""
    order = merged_all(None, found)
    assert order is not None
    return order


@given(st.lists(updates(), min_size=1, max_size=8), st.randoms(use_true_random=False), st.integers(0, 8))
def test_repeats_and_shuffles_end_in_the_same_state(found: list[OrderUpdate], random: Any, again: int) -> None:
    expected = state(found)
    shuffled = found + found[:again]
    random.shuffle(shuffled)
    assert state(shuffled) == expected
    assert merged_all(expected, found) == expected


@given(st.lists(updates(), min_size=2, max_size=8))
def test_neither_the_status_nor_the_fill_ever_goes_back(found: list[OrderUpdate]) -> None:
    order = state(found[:1])
    for update in found[1:]:
        later = merged(order, update)
        assert RANK[later.terms.status] >= RANK[order.terms.status]
        assert later.filled >= order.filled
        order = later


@given(st.lists(updates(), min_size=1, max_size=8))
def test_what_is_kept_was_said(found: list[OrderUpdate]) -> None:
    order = state(found)
    latest = max(RANK[update.status] for update in found)
    assert order.terms in [begun(update).terms for update in found]
    assert order.terms.ts == max(update.ts for update in found if RANK[update.status] == latest)
    assert order.filled == max(update.filled for update in found)
    assert (order.filled_at, order.average_price) in {
        (update.ts if update.filled else 0, update.average_price) for update in found if update.filled == order.filled
    }


def test_a_cancelled_order_keeps_what_was_filled_before() -> None:
    partly = read_update(TERMS | {"status": "PARTIAL", "ts": START, "filled": 65, "average_price": 171.4})
    cancelled = read_update(TERMS | {"status": "CANCELLED", "ts": START + 1})
    for order in (merged_all(None, [partly, cancelled]), merged_all(None, [cancelled, partly])):
        assert order is not None
        assert (order.terms.status, order.filled, order.average_price) == ("CANCELLED", 65, Decimal("171.4"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "TRIGGERED"), ("ts", 0), ("ts", "now"), ("ts", True), ("token", -1), ("token", 2**80),
        ("side", "buy"),
        ("quantity", 0), ("quantity", 10**12), ("filled", 196), ("filled", -1), ("price", float("nan")), ("price", -1),
        ("price", "Infinity"), ("price", 1e300), ("average_price", True), ("order_id", ""), ("order_id", "x" * 65),
        ("order_id", "a\x00"), ("order_id", "a\n"), ("tradingsymbol", 7), ("product", None), ("reason", "x" * 201),
    ],
)  # fmt: skip
def test_what_is_no_update_is_refused_with_its_field(field: str, value: object) -> None:
    right = TERMS | {"status": "PARTIAL", "ts": START, "filled": 65, "average_price": 171.4}
    with pytest.raises(InvalidUpdate) as refused:
        read_update(right | {field: value})
    assert refused.value.field == field


@pytest.mark.parametrize("raw", [None, [], "x", 7, {}, {"order_id": "1"}])
def test_what_is_no_map_of_an_update_is_refused(raw: object) -> None:
    with pytest.raises(InvalidUpdate):
        read_update(raw)


@pytest.mark.parametrize(("status", "filled"), [("COMPLETE", 130), ("PARTIAL", 65)])
def test_what_contradicts_itself_is_refused(status: str, filled: int) -> None:
    with pytest.raises(InvalidUpdate):
        read_update(TERMS | {"status": status, "ts": START, "filled": filled, "average_price": None})


# ---------------------------------------------------------------- positions

units = st.integers(0, 40).map(lambda lots: lots * 65)


@st.composite
def days(draw: st.DrawFn) -> Trades:
    """Sums of a day's fills."""
    bought, sold = draw(units), draw(units)
    return Trades(bought, bought * draw(prices), sold, sold * draw(prices))


@given(st.lists(days(), max_size=6), prices)
def test_realised_and_unrealised_are_what_closing_it_all_would_bring_to_the_last_decimal(
    traded: list[Trades], last: Decimal
) -> None:
    carried, realised = Open(), Decimal(0)
    for trades in traded:
        position = after(carried, trades)
        carried, realised = position.open, realised + position.realised
    quantity = sum(day.bought - day.sold for day in traded)
    cash = sum((day.sold_value - day.bought_value for day in traded), Decimal(0))
    assert carried.quantity == quantity
    assert realised + unrealised(carried, last) == cash + quantity * last
    assert carried_through(Open(), traded) == carried


@given(days())
def test_the_average_price_is_that_of_the_side_that_is_left(trades: Trades) -> None:
    held = after(Open(), trades).open
    value, side = (trades.bought_value, trades.bought) if held.quantity > 0 else (trades.sold_value, trades.sold)
    if held.quantity:
        assert held.average_price is not None
        assert abs(Fraction(held.average_price) - Fraction(value) / side) <= Fraction(1, 10_000)
        assert (held.cost >= 0) == (held.quantity > 0)
    else:
        assert held == Open()


@given(days(), prices)
def test_closing_at_a_price_realises_what_was_unrealised(trades: Trades, last: Decimal) -> None:
    opened = after(Open(), trades)
    quantity = opened.open.quantity
    closing = Trades(max(-quantity, 0), max(-quantity, 0) * last, max(quantity, 0), max(quantity, 0) * last)
    closed = after(opened.open, closing)
    assert closed.open == Open()
    assert closed.realised == unrealised(opened.open, last)


def test_a_short_that_is_turned_around_by_hand() -> None:
    carried = Open(-65, Decimal("-6500"))  # sold at 100
    position = after(carried, Trades(bought=130, bought_value=Decimal(130 * 90)))
    assert position.open == Open(65, Decimal(65 * 90))
    assert position.realised == 65 * (100 - 90)
