"""Write the polynomials of fo_analytics/domain/pricing/mills.py: `python tests/oracles/fit_mills_ratio.py`.

With y = (a - c)/(a + c) the half line a >= 0 becomes [-1, 1), where (a + c) M(a) and -(a + c)^2 M'(a) are so
smooth that their Chebyshev coefficients fall by a factor of five per degree: one polynomial serves them all.
"""

import sys
from collections.abc import Callable

import mpmath as mp  # type: ignore[import-untyped]

mp.mp.dps = 50
SHIFT = mp.mpf(4)
NODES, TERMS = 60, 28


def mills(a: mp.mpf) -> mp.mpf:
    """Mills' ratio (1 - Phi(a)) / phi(a); beyond 60 its asymptotic series, exact to 50 digits there."""
    if a < 60:
        return mp.sqrt(mp.pi / 2) * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2))
    return sum((-1) ** n * mp.fac2(2 * n - 1) / a ** (2 * n + 1) for n in range(30))


def slope(a: mp.mpf) -> mp.mpf:
    """Minus the derivative of Mills' ratio, 1 - a M(a)."""
    if a < 60:
        return 1 - a * mills(a)
    return sum((-1) ** (n + 1) * mp.fac2(2 * n - 1) / a ** (2 * n) for n in range(1, 30))


def chebyshev(function: Callable[[mp.mpf], mp.mpf], terms: int) -> list[mp.mpf]:
    """The first Chebyshev coefficients of a function on [-1, 1], by interpolation at 60 nodes."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / NODES for k in range(NODES)]
    values = [function(mp.cos(angle)) for angle in angles]
    rows = [[value * mp.cos(j * a) for value, a in zip(values, angles, strict=True)] for j in range(terms)]
    return [mp.fsum(row) * (2 if j else 1) / NODES for j, row in enumerate(rows)]


def monomials(coefficients: list[mp.mpf]) -> list[mp.mpf]:
    """The same polynomial in powers of y, lowest first."""
    before, current = [mp.mpf(1)], [mp.mpf(0), mp.mpf(1)]
    total = [coefficients[0], coefficients[1]]
    for coefficient in coefficients[2:]:
        doubled = [mp.mpf(0), *(2 * value for value in current)]
        before, current = (
            current,
            [a - b for a, b in zip(doubled, before + [mp.mpf(0)] * (len(doubled) - len(before)), strict=True)],
        )
        total = [a + coefficient * b for a, b in zip([*total, mp.mpf(0)], current, strict=True)]
    return total


def show(name: str, function: Callable[[mp.mpf], mp.mpf], power: int) -> None:
    """Write the coefficients in four rows: of the powers k, k + 4, ..., k + 24, highest first."""

    def scaled(y: mp.mpf) -> mp.mpf:
        a = SHIFT * (1 + y) / (1 - y)
        return function(a) * (a + SHIFT) ** power

    values = [float(value) for value in monomials(chebyshev(scaled, TERMS))]
    sys.stdout.write(f"{name} = {tuple(tuple(values[k::4][::-1]) for k in range(4))}\n")


if __name__ == "__main__":
    show("MILLS", mills, 1)
    show("SLOPE", slope, 2)
