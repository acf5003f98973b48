"""At what price a leg is taken to have been entered, where the market shows only what it is worth."""

from decimal import Decimal
from fractions import Fraction
from math import floor

from strategies.domain.legs import Side
from strategies.domain.money import price_of


def tradable(mark: float, tick: Decimal, side: Side) -> Decimal:
    """Return the price on the tick nearest a mark (both rupees); of two the worse one, and at least one tick.

    A mid need not be on the tick, and nothing is traded off it. Raises ValueError for NaN.
    """
    ticks = Fraction(price_of(mark)) / Fraction(tick)
    below = floor(ticks)
    rest, half = ticks - below, Fraction(1, 2)
    up = rest > half or (rest == half and side is Side.BUY)
    return max(below + up, 1) * tick
