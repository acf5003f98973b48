"""The price at which a template's leg is entered: on the tick, nearest the mark, never better than it by a tie."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.domain.entries import tradable
from strategies.domain.legs import Side

TICKS = st.sampled_from([Decimal("0.05"), Decimal("0.01"), Decimal("0.10"), Decimal("0.0025")])


@pytest.mark.parametrize(
    ("mark", "side", "price"),
    [
        (140.5, Side.BUY, "140.50"),
        (140.525, Side.BUY, "140.55"),
        (140.525, Side.SELL, "140.50"),
        (140.524, Side.BUY, "140.50"),
        (140.526, Side.SELL, "140.55"),
        (0.01, Side.SELL, "0.05"),
    ],
)
def test_a_mark_between_two_ticks_is_traded_at_the_nearest_and_a_tie_at_the_worse(
    mark: float, side: Side, price: str
) -> None:
    assert tradable(mark, Decimal("0.05"), side) == Decimal(price)


@given(st.floats(0.05, 100_000), TICKS, st.sampled_from(Side))
def test_the_price_is_on_the_tick_and_no_farther_than_half_of_it(mark: float, tick: Decimal, side: Side) -> None:
    price = tradable(mark, tick, side)
    assert price % tick == 0
    assert abs(float(price) - mark) <= max(float(tick) / 2, 0.1 - 0.05) + 1e-4


@given(st.floats(0.05, 100_000), TICKS)
def test_a_buyer_never_pays_less_than_a_seller_gets(mark: float, tick: Decimal) -> None:
    assert tradable(mark, tick, Side.BUY) >= tradable(mark, tick, Side.SELL)
