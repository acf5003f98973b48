"""Templates pick listed strikes, by rungs and by delta, and refuse what the chain does not hold."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from strategies.domain.legs import Kind, Side
from strategies.domain.templates import (
    TEMPLATES,
    Delta,
    Ladder,
    LadderTooShort,
    Level,
    NoDelta,
    NotListed,
    TemplateError,
    calendar,
    iron_condor,
    pick,
    straddle,
    strangle,
    vertical,
)

NEAR, FAR = date(2026, 2, 3), date(2026, 2, 10)
STRIKES = np.array([25_500.0, 25_550, 25_600, 25_700, 25_800, 25_900])  # 50s below, 100s above: rungs are not rupees
CALLS = np.array([0.90, 0.80, 0.70, 0.52, 0.30, 0.10])


def ladder(expiry: date = NEAR, *, forward: float = 25_690.0) -> Ladder:
    """Return six strikes, all of them listed, at the money at 25,700."""
    return Ladder(expiry, STRIKES, np.ones((2, 6), bool), np.array([CALLS, CALLS - 1]), forward)


def shown(legs: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Return kind, side and strike of legs."""
    return [(leg.kind, leg.side, leg.strike) for leg in legs]  # type: ignore[attr-defined]


def test_a_straddle_is_at_the_money() -> None:
    legs = straddle(ladder(), side=Side.SELL, lots=2)
    assert shown(legs) == [(Kind.CALL, Side.SELL, 25_700), (Kind.PUT, Side.SELL, 25_700)]
    assert [(leg.lots, leg.expiry) for leg in legs] == [(2, NEAR), (2, NEAR)]


def test_a_strangle_counts_rungs_of_the_listed_ladder() -> None:
    legs = strangle(ladder(), side=Side.BUY, lots=1, place=Level(2))
    assert shown(legs) == [(Kind.CALL, Side.BUY, 25_900), (Kind.PUT, Side.BUY, 25_550)]


def test_a_strangle_by_delta_takes_the_nearest() -> None:
    legs = strangle(ladder(), side=Side.SELL, lots=1, place=Delta(0.28))
    assert shown(legs) == [(Kind.CALL, Side.SELL, 25_800), (Kind.PUT, Side.SELL, 25_600)]


@pytest.mark.parametrize(("kind", "strike"), [(Kind.CALL, 25_900), (Kind.PUT, 25_500)])
def test_of_two_equally_near_deltas_the_farther_out_counts(kind: Kind, strike: float) -> None:
    tied = replace(
        ladder(), delta=np.array([[0.9, 0.8, 0.7, 0.5, 0.375, 0.125], [-0.125, -0.375, -0.5, -0.7, -0.8, -0.9]])
    )
    assert pick(tied, kind, Delta(0.25)) == strike


def test_a_bull_call_spread_buys_at_the_money_and_sells_above() -> None:
    legs = vertical(ladder(), kind=Kind.CALL, bought=Level(0), sold=Level(1), lots=1)
    assert shown(legs) == [(Kind.CALL, Side.BUY, 25_700), (Kind.CALL, Side.SELL, 25_800)]


def test_an_iron_condor_has_its_wings_outside() -> None:
    legs = iron_condor(ladder(), body=Level(1), wing=1, lots=1)
    assert shown(legs) == [
        (Kind.CALL, Side.SELL, 25_800),
        (Kind.PUT, Side.SELL, 25_600),
        (Kind.CALL, Side.BUY, 25_900),
        (Kind.PUT, Side.BUY, 25_550),
    ]


def test_a_calendar_sells_near_and_buys_far_at_one_strike() -> None:
    legs = calendar(ladder(), ladder(FAR, forward=25_800), kind=Kind.PUT, place=Level(0), lots=1)
    assert shown(legs) == [(Kind.PUT, Side.SELL, 25_700), (Kind.PUT, Side.BUY, 25_700)]
    assert [leg.expiry for leg in legs] == [NEAR, FAR]


def test_beyond_the_ladder_nothing_nearer_is_taken() -> None:
    with pytest.raises(LadderTooShort, match="2026-02-03 lists 25500 to 25900"):
        strangle(ladder(), side=Side.SELL, lots=1, place=Level(3))
    with pytest.raises(LadderTooShort, match="lists"):
        iron_condor(ladder(), body=Level(2), wing=1, lots=1)
    with pytest.raises(LadderTooShort, match=r"reach from 0\.100 to 0\.900"):
        pick(ladder(), Kind.CALL, Delta(0.05))


def test_a_contract_that_is_not_listed_is_not_traded() -> None:
    listed = np.ones((2, 6), bool)
    listed[1, 3] = False
    with pytest.raises(NotListed, match="2026-02-03 25700 PE is not listed"):
        straddle(replace(ladder(), listed=listed), side=Side.SELL, lots=1)
    far = replace(ladder(FAR), strike=STRIKES + 25)
    with pytest.raises(NotListed, match="2026-02-10 25700 CE is not listed"):
        calendar(ladder(), far, kind=Kind.CALL, place=Level(0), lots=1)


def test_a_contract_that_is_not_listed_is_not_picked_by_its_delta() -> None:
    listed = np.ones((2, 6), bool)
    listed[0, 4] = False
    assert pick(replace(ladder(), listed=listed), Kind.CALL, Delta(0.28)) == 25_900


def test_without_deltas_or_a_forward_nothing_is_picked() -> None:
    with pytest.raises(NoDelta, match="no put of 2026-02-03 has a delta"):
        pick(replace(ladder(), delta=np.full((2, 6), np.nan)), Kind.PUT, Delta(0.25))
    with pytest.raises(TemplateError, match="without a forward"):
        pick(ladder(forward=float("nan")), Kind.CALL, Level(0))


def test_what_is_no_spread_is_refused() -> None:
    with pytest.raises(TemplateError, match="both legs would be at 25700"):
        vertical(ladder(), kind=Kind.CALL, bought=Level(0), sold=Delta(0.5), lots=1)
    with pytest.raises(TemplateError, match="is not above"):
        strangle(ladder(), side=Side.SELL, lots=1, place=Level(0))
    with pytest.raises(TemplateError, match="at least one rung"):
        iron_condor(ladder(), body=Level(1), wing=0, lots=1)
    with pytest.raises(TemplateError, match="is not after"):
        calendar(ladder(FAR), ladder(NEAR), kind=Kind.CALL, place=Level(0), lots=1)
    with pytest.raises(TemplateError, match="at least one lot"):
        straddle(ladder(), side=Side.SELL, lots=0)
    with pytest.raises(TemplateError, match="calls or puts"):
        pick(ladder(), Kind.FUTURE, Level(0))
    with pytest.raises(TemplateError, match="between 0 and 1"):
        Delta(1.0)


def test_every_template_has_a_name() -> None:
    assert sorted(TEMPLATES) == ["calendar", "iron_condor", "straddle", "strangle", "vertical"]
