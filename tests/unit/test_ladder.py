"""Ladders: what was listed on a day, and what stands some rungs away."""

from datetime import date, timedelta

import numpy as np
import pytest

from fo_analytics.domain.ladder import NOBODY, Ladder, ladder_on
from fo_analytics.domain.layout import Contract
from fo_analytics.domain.moneyness import Side, strike_at

DAY = date(2026, 8, 4)
STRIKES = (24_800.0, 24_900.0, 25_000.0, 25_100.0)
LADDER = Ladder(DAY, STRIKES, (11, 12, 13, 14), (21, 22, NOBODY, 24))


def contract(key: int, kind: str, strike: float, first: date | None = None, last: date | None = None) -> Contract:
    return Contract(key, key, kind, 0.05, DAY, strike, first, last)


@pytest.mark.parametrize("steps", range(-6, 7))
def test_what_stands_rungs_away_has_the_strike_that_the_domain_names(steps: int) -> None:
    expected = strike_at(STRIKES, STRIKES, steps, is_call=True)
    np.testing.assert_array_equal(LADDER.strikes_away(steps), expected)
    strike_of = dict(zip(LADDER.calls, LADDER.strikes, strict=True))
    np.testing.assert_array_equal([strike_of.get(key, np.nan) for key in LADDER.away("call", steps)], expected)


@pytest.mark.parametrize(("side", "expected"), [("call", (12, 13, 14, NOBODY)), ("put", (22, NOBODY, 24, NOBODY))])
def test_a_side_that_is_not_listed_is_nobody(side: Side, expected: tuple[int, ...]) -> None:
    assert LADDER.away(side, 1) == expected


@pytest.mark.parametrize(
    ("first", "last", "listed"),
    [
        (None, None, True), (DAY, DAY, True), (DAY + timedelta(1), None, False), (None, DAY - timedelta(1), False),
    ],
)  # fmt: skip
def test_only_what_is_listed_on_the_day_is_a_rung(first: date | None, last: date | None, listed: bool) -> None:
    ladder = ladder_on(DAY, [contract(1, "CE", 25_000.0), contract(2, "PE", 24_950.0, first, last)], DAY)
    assert ladder.strikes == ((24_950.0, 25_000.0) if listed else (25_000.0,))
    assert (ladder.calls, ladder.puts) == (((NOBODY, 1), (2, NOBODY)) if listed else ((1,), (NOBODY,)))


def test_the_spot_and_futures_are_no_rungs() -> None:
    nan = float("nan")
    assert ladder_on(DAY, [contract(1, "SPOT", nan), contract(2, "FUT", nan)], DAY).strikes == ()
