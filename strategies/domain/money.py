"""Money without rounding errors: Decimal at the edges, fractions or whole numbers in between, rounded once at the end.

A price has at most 4 decimals (the finest tick the master knows), a mid at most 5. As whole numbers, prices and amounts
are in *points* of 0.00001 rupees: int64 holds 9.2e13 rupees of them.
"""

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

POINTS = 100_000  # in a rupee
POINTS_OF_A_PAISA = POINTS // 100
PRICE_DECIMALS = 4
SAFE_POINTS = 2.0**62  # half of what int64 holds: sums checked in floating point stay inside whatever their rounding
_WIDE = Context(prec=60)


def rounded(rupees: Fraction) -> Decimal:
    """Return an exact amount in rupees with 2 decimals, rounded half to even; whatever the thread's decimal context."""
    return decimal_of_paise(round(rupees * 100))


def decimal_of_paise(paise: int) -> Decimal:
    """Return whole paise as rupees with 2 decimals."""
    return Decimal(paise).scaleb(-2, _WIDE)


def decimal_text(rupees: Fraction) -> str:
    """Return an amount that a decimal can hold (a price, a mid) in full, with 2 decimals at least."""
    exact = _WIDE.divide(Decimal(rupees.numerator), Decimal(rupees.denominator)).normalize(_WIDE)
    return f"{exact:f}" if -exact.as_tuple().exponent > 2 else f"{exact:.2f}"  # type: ignore[operator]


def estimate(rupees: float) -> Decimal | None:
    """Return an estimated amount with 2 decimals, what the float stands for rounded half to even; None for NaN and
    infinities."""
    return Decimal(f"{rupees:z.2f}") if math.isfinite(rupees) else None


def difference(minuend: Decimal, subtrahend: Decimal) -> Decimal:
    """Return an exact difference, whatever the thread's decimal context."""
    return _WIDE.subtract(minuend, subtrahend)


def rounded_points(points: Ints) -> Ints:
    """Return points (any shape) as whole paise, rounded half to even."""
    paise, rest = np.divmod(points, POINTS_OF_A_PAISA)
    half = POINTS_OF_A_PAISA // 2
    return np.asarray(paise + ((rest > half) | ((rest == half) & (paise % 2 == 1))))


def points_of(price: Decimal) -> int:
    """Return a price in rupees as points. Raises ValueError where it has more than 5 decimals or is no number."""
    if not price.is_finite():
        raise ValueError(f"{price} is no price")
    points = Fraction(price) * POINTS
    if points.denominator != 1:
        raise ValueError(f"{price} has more than 5 decimals")
    return points.numerator


def points_of_floats(prices: npt.NDArray[np.float64]) -> Ints:
    """Return prices of at most 4 decimals (rupees, any shape) as points; -1 for NaN, infinities, 0 and less.

    A float64 below 1e7 is within 1e-9 of the decimal it stands for, so the nearest 0.0001 is that decimal.
    """
    known = np.isfinite(prices) & (prices > 0)
    ticks = np.rint(np.where(known, prices, 0.0) * 10**PRICE_DECIMALS).astype(np.int64)
    return np.where(known, ticks * (POINTS // 10**PRICE_DECIMALS), -1)


def price_of(value: float | Fraction) -> Decimal:
    """Return a price as a decimal of 2 places, 4 where needed, rounded half to even. Raises ValueError for NaN."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no price")
    ticks = round(Fraction(value) * 10**PRICE_DECIMALS)
    paise, rest = divmod(ticks, 10 ** (PRICE_DECIMALS - 2))
    return Decimal(ticks).scaleb(-PRICE_DECIMALS, _WIDE) if rest else decimal_of_paise(paise)


def checked_price(price: Decimal, what: str) -> None:
    """Raise ValueError unless a price is a finite Decimal above 0 with at most 4 decimals."""
    if not isinstance(price, Decimal):
        raise TypeError(f"{what} must be a Decimal, not {type(price).__name__}")
    if not (price.is_finite() and price > 0):
        raise ValueError(f"{what} must be above 0, not {price}")
    checked_decimals(price, what)


def checked_decimals(price: Decimal, what: str) -> None:
    """Raise ValueError where a finite price has more than 4 decimals."""
    if (Fraction(price) * 10**PRICE_DECIMALS).denominator != 1:
        raise ValueError(f"{what} must have at most {PRICE_DECIMALS} decimals, not {price}")
