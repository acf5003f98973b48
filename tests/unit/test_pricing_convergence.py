"""The solver's parts, in normalised variables: how near the guess is, and that every step keeps its order."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from fo_analytics.domain.pricing import kernels

OBJECTIVES = {"lower": kernels.LOWER, "middle": kernels.MIDDLE, "upper": kernels.UPPER}
WORST_GUESS = {"lower": 0.1, "middle": 6e-3, "upper": 8e-3}
WORST_AFTER_ONE_STEP = {"lower": 1e-6, "middle": 1e-10, "upper": 4e-10}
WORST_AFTER_TWO_STEPS = 1e-13


def cases() -> Iterator[tuple[float, float]]:
    """x and s: the money to three powers of e away, from prices near 1e-290 to near the maximum."""
    for x in (-1e-15, -1e-9, -1e-6, *(-np.geomspace(1e-4, 3, 25))):
        yield from ((float(x), float(s)) for s in np.geomspace(-x / 36, 12, 150))


def errors(zone: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Relative errors of the guess, and after one and two steps, of all cases of a zone."""
    rows, objective = [], OBJECTIVES[zone]
    for x, s in cases():
        limit = math.exp(x / 2)
        value, complement, _ = kernels._normalised(x, s, limit)
        found, chosen = kernels._guess(x, value, complement, limit)
        if chosen != objective:
            continue
        row = [found]
        target = {"lower": math.log(value), "middle": value, "upper": math.log(complement)}[zone]
        for _ in range(2):
            found += kernels._householder(x, found, target, limit, objective)
            row.append(found)
        rows.append(np.array(row) / s - 1)
    return np.abs(rows)


@pytest.mark.parametrize("zone", OBJECTIVES)
def test_two_steps_from_the_guess_are_as_exact_as_doubles_allow(zone: str) -> None:
    guess, one_step, two_steps = errors(zone).max(axis=0)
    assert guess <= WORST_GUESS[zone]
    assert one_step <= WORST_AFTER_ONE_STEP[zone]
    assert two_steps <= WORST_AFTER_TWO_STEPS


def test_at_the_money_exactly_the_guess_is_as_near() -> None:
    totals = np.geomspace(1e-12, 12, 200)
    for s in totals:
        value, complement, _ = kernels._normalised(0.0, s, 1.0)
        assert kernels._guess(0.0, value, complement, 1.0)[0] == pytest.approx(s, rel=4e-3)
        assert kernels._implied_total(0.0, value, complement, 1.0) == pytest.approx(s, rel=1e-12)
