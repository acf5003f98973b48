"""Payoffs of well-known strategies against figures worked out by hand, and what the model says before expiry."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

from fo_analytics.domain.calendar import YEAR_MS, to_ms
from strategies.domain.legs import Contract, Freeze, Kind, Leg, Settlement, Side
from strategies.domain.payoff import PayoffError, Span, opposite, payoff, probability_of_profit, what_if
from strategies.domain.scenarios import (
    Market,
    Term,
    curve,
    extremes,
    first_expiry_ms,
    probability_of_gain,
    scenario_grid,
)
from tests.unit.legs_made import ENTERED, EXPIRED, EXPIRY, fill, future, leg, option

FAR = date(2026, 2, 10)
FAR_EXPIRED = datetime(2026, 2, 10, 10, 0, tzinfo=UTC)
AS_OF_MS = to_ms(ENTERED)
SIGMA = {1: 0.12, 2: 0.13, 3: 0.15, 4: 0.14, 5: 0.125}


def market(*, spot: float = 25_700.0, rate: float = 0.065) -> Market:
    """Return a market with a forward per expiry, carried at 5 %."""
    instants = {EXPIRY: to_ms(EXPIRED), FAR: to_ms(FAR_EXPIRED)}
    terms = {expiry: Term(spot * math.exp(0.05 * (at - AS_OF_MS) / YEAR_MS), at) for expiry, at in instants.items()}
    return Market(AS_OF_MS, spot, rate, terms, SIGMA)


def of(kind: Kind, strike: int, side: Side, price: str, *, key: int = 1, lots: int = 1, expiry: date = EXPIRY) -> Leg:
    """Return an option leg of lots of 65."""
    return leg(option(kind, str(strike), key=key, expiry=expiry), side, lots, price)


def exactly(*numbers: int | str) -> tuple[Fraction, ...]:
    """Return numbers as fractions."""
    return tuple(Fraction(number) for number in numbers)


SHORT_STRADDLE = (
    of(Kind.CALL, 25_700, Side.SELL, "120.50"),
    of(Kind.PUT, 25_700, Side.SELL, "110.25", key=2),
)
IRON_CONDOR = (
    of(Kind.CALL, 25_900, Side.SELL, "50"),
    of(Kind.CALL, 26_000, Side.BUY, "25", key=2),
    of(Kind.PUT, 25_500, Side.SELL, "45", key=3),
    of(Kind.PUT, 25_400, Side.BUY, "20", key=4),
)
CALENDAR = (
    of(Kind.CALL, 25_700, Side.SELL, "130"),
    of(Kind.CALL, 25_700, Side.BUY, "260", key=5, expiry=FAR),
)


def test_a_short_straddle() -> None:
    found = payoff(SHORT_STRADDLE)
    assert found.break_evens == (Fraction("25469.25"), Fraction("25930.75"))  # 25,700 ∓ 230.75
    assert found.max_profit == Fraction("14998.75")  # 230.75 × 65
    assert found.max_loss is None
    assert found.profitable == (Span(Fraction("25469.25"), Fraction("25930.75")),)
    assert found.at(Fraction(0)) == 65 * (Fraction("230.75") - 25_700)


def test_a_long_put_can_only_gain_down_to_0() -> None:
    found = payoff([of(Kind.PUT, 25_700, Side.BUY, "100")])
    assert (found.max_profit, found.max_loss) == exactly(25_600 * 65, -6_500)
    assert found.break_evens == exactly(25_600)


def test_a_long_call_gains_without_limit() -> None:
    found = payoff([of(Kind.CALL, 25_700, Side.BUY, "100")])
    assert (found.max_profit, found.max_loss, found.break_evens) == (None, Fraction(-6_500), exactly(25_800))
    assert found.profitable == (Span(Fraction(25_800), None),)


def test_an_iron_condor() -> None:
    found = payoff(IRON_CONDOR)  # credit 50 − 25 + 45 − 20 = 50, wings of 100
    assert (found.max_profit, found.max_loss) == exactly(3_250, -3_250)
    assert found.break_evens == exactly(25_450, 25_950)
    assert found.at(Fraction(25_400)) == found.at(Fraction(1)) == found.at(Fraction(10**6)) == -3_250


def test_a_bull_call_spread() -> None:
    found = payoff([of(Kind.CALL, 25_700, Side.BUY, "120"), of(Kind.CALL, 25_800, Side.SELL, "70", key=2)])
    assert (found.max_profit, found.max_loss, *found.break_evens) == exactly(3_250, -3_250, 25_750)


def test_a_break_even_that_no_decimal_writes_is_exact() -> None:
    # One bought at 25,700 for 100, three sold at 25,800 for 50.05: above 25,800 the slope is −2.
    ratio = [of(Kind.CALL, 25_700, Side.BUY, "100"), of(Kind.CALL, 25_800, Side.SELL, "50.05", key=2, lots=4)]
    found = payoff(ratio)
    assert found.break_evens == (25_800 + (100 + Fraction("100.2")) / 3,)
    assert found.break_evens[0].denominator == 3 * 5
    assert [found.at(zero) for zero in found.break_evens] == [0]
    assert found.max_loss is None


def test_a_stretch_at_0_is_named_by_its_ends() -> None:
    # A spread of 100 for 100: 0 from 25,800 on; its mirror below.
    spread = [of(Kind.CALL, 25_700, Side.BUY, "150"), of(Kind.CALL, 25_800, Side.SELL, "50", key=2)]
    assert payoff(spread).break_evens == exactly(25_800)
    assert payoff([*spread, *(opposite(one) for one in spread)]).break_evens == exactly(0)
    assert payoff(spread).profitable == ()


def test_a_covered_call_holds_shares() -> None:
    share = Contract(1, Kind.EQUITY, "RELIANCE", is_index=False)
    call = Contract(2, Kind.CALL, "RELIANCE", False, EXPIRY, Decimal(1_500))
    found = payoff([leg(share, Side.BUY, 500, "1400", lot_size=1), leg(call, Side.SELL, 1, "20", lot_size=500)])
    assert (found.max_profit, found.max_loss, *found.break_evens) == exactly(60_000, -690_000, 1_380)


def test_what_was_realised_moves_the_break_even() -> None:
    sold = of(Kind.CALL, 25_700, Side.SELL, "100", lots=2).exit(fill(1, "60", minutes=1))
    assert payoff([sold]).break_evens == exactly(25_840)  # 25,700 + 100 + 40 already earned


def test_a_provisionally_settled_leg_counts_with_what_it_has() -> None:
    waiting = of(Kind.CALL, 25_700, Side.SELL, "100").settle(Settlement(Decimal("27.55"), EXPIRED, "last_spot", True))
    far = of(Kind.CALL, 25_700, Side.BUY, "200", key=5, expiry=FAR)
    assert payoff([waiting, far]).max_loss == Fraction("-8290.75")  # (72.45 − 200) × 65


def test_what_has_no_payoff_of_one_price_is_refused() -> None:
    other = leg(Contract(7, Kind.FUTURE, "BANKNIFTY", expiry=EXPIRY), Side.BUY, 1, "58000")
    frozen = SHORT_STRADDLE[0].freeze(Freeze(ENTERED, "corporate_action: split", None))
    with pytest.raises(PayoffError, match="several underlyings"):
        payoff([*SHORT_STRADDLE, other])
    with pytest.raises(PayoffError, match="several days"):
        payoff(CALENDAR)
    with pytest.raises(PayoffError, match="frozen"):
        payoff([frozen])
    with pytest.raises(PayoffError, match="none of the legs expires"):
        first_expiry_ms([], market())


def test_what_if_leaves_the_legs_as_they_are() -> None:
    hedged = what_if(
        SHORT_STRADDLE, added=[of(Kind.CALL, 26_000, Side.BUY, "20", key=3)], closed={1: fill(1, "50", minutes=9)}
    )
    assert [one.open_lots for one in hedged] == [1, 0, 1]
    assert [one.open_lots for one in SHORT_STRADDLE] == [1, 1]
    assert payoff(hedged).max_loss == 65 * (Fraction("120.50") - 300 - 20 + Fraction("60.25"))


def test_the_probability_of_profit_of_a_call_is_that_of_ending_above_its_break_even() -> None:
    found = payoff([of(Kind.CALL, 100, Side.BUY, "5")])
    # F = 100, σ√T = 0.2·1: d₂ = (ln(100/105) − 0.02)/0.2 = −0.343951, N = 0.365442.
    assert probability_of_profit(found, forward=100, sigma=0.2, years=1) == pytest.approx(0.365_442, abs=1e-6)
    assert probability_of_profit(
        payoff([opposite(of(Kind.CALL, 100, Side.BUY, "5"))]), forward=100, sigma=0.2, years=1
    ) == (pytest.approx(0.634_558, abs=1e-6))
    assert math.isnan(probability_of_profit(found, forward=100, sigma=0.2, years=0))


def test_the_probability_of_profit_agrees_with_drawn_prices() -> None:
    forward, sigma, years = 25_720.0, 0.14, 5 / 365
    drawn = np.random.default_rng(7).standard_normal(200_000)
    deviation = sigma * math.sqrt(years)
    spots = forward * np.exp(deviation * drawn - deviation**2 / 2)
    share = np.mean((spots > 25_450) & (spots < 25_950))
    found = probability_of_profit(payoff(IRON_CONDOR), forward=forward, sigma=sigma, years=years)
    assert found == pytest.approx(share, abs=0.004)


def test_before_expiry_the_model_has_the_black_76_price() -> None:
    # Hull, Options, Futures and Other Derivatives: futures 20, strike 20, r 9 %, four months, σ 25 %: the put is 1.12.
    years = 4 / 12
    at = AS_OF_MS + int(years * YEAR_MS)
    put = leg(option(Kind.PUT, "20"), Side.BUY, 1, "1", lot_size=1)
    now = Market(AS_OF_MS, 19.5, 0.09, {EXPIRY: Term(20.0, at)}, {1: 0.25})
    assert scenario_grid([put], now, spot=19.5, sigma_shift=0, at_ms=AS_OF_MS)[0, 0, 0] == pytest.approx(
        0.12, abs=0.005
    )


def test_the_grid_at_expiry_is_the_exact_payoff() -> None:
    spots = np.linspace(25_000, 26_500, 31)
    legs = (*IRON_CONDOR, leg(future(), Side.BUY, 1, "25710.05"))
    grid = scenario_grid(legs, market(), spot=spots, sigma_shift=[-0.02, 0, 0.05], at_ms=[AS_OF_MS, to_ms(EXPIRED)])
    exact = [float(payoff(legs).at(Fraction(spot))) for spot in spots.tolist()]
    assert grid.shape == (31, 3, 2)
    for shift in range(3):
        assert grid[:, shift, 1] == pytest.approx(exact, abs=1e-6)


def test_a_short_straddle_loses_by_volatility_and_gains_by_time() -> None:
    later = AS_OF_MS + int(timedelta(hours=12) / timedelta(milliseconds=1))
    grid = scenario_grid(SHORT_STRADDLE, market(), spot=25_700, sigma_shift=[0, 0.02], at_ms=[AS_OF_MS, later])[0]
    assert grid[1, 0] < grid[0, 0] < grid[0, 1]


def test_an_unknown_volatility_makes_the_scenario_unknown() -> None:
    unknown = [of(Kind.CALL, 25_700, Side.BUY, "100", key=77)]
    assert np.isnan(scenario_grid(unknown, market(), spot=25_700, sigma_shift=0, at_ms=AS_OF_MS)).all()
    assert np.isnan(scenario_grid(SHORT_STRADDLE, market(), spot=25_700, sigma_shift=-0.2, at_ms=AS_OF_MS)).all()
    found = extremes(curve(unknown, market(), at_ms=AS_OF_MS), spot=25_700)
    assert (found.break_evens, math.isnan(found.highest)) == ((), True)


def test_a_scenario_does_not_go_back_in_time() -> None:
    with pytest.raises(ValueError, match="before the market"):
        scenario_grid(CALENDAR, market(), spot=25_700, sigma_shift=0, at_ms=AS_OF_MS - 1)


def test_a_calendar_spread_at_its_first_expiry_is_worth_most_at_the_strike() -> None:
    at = first_expiry_ms(CALENDAR, market())
    gain = curve(CALENDAR, market(), at_ms=at)
    found = extremes(gain, spot=25_700)
    low, high = found.break_evens
    assert at == to_ms(EXPIRED)
    assert low < 25_700 < high
    assert gain([low, high]) == pytest.approx([0, 0], abs=1e-4)
    assert found.highest == pytest.approx(gain(25_700)[0], abs=1)
    # Far away both calls are worth the same or nothing: what is lost is the 130 paid.
    assert gain(0.5 * 25_700)[0] == pytest.approx(-130 * 65, abs=1e-6)


def test_of_a_calendar_spread_the_far_leg_is_what_black_76_says_at_the_first_expiry() -> None:
    gain = curve(CALENDAR, market(), at_ms=to_ms(EXPIRED))(25_700)[0]
    years, sigma = 7 / 365, 0.125
    forward = 25_700 * math.exp(0.05 * years)
    deviation = sigma * math.sqrt(years)
    d1 = math.log(forward / 25_700) / deviation + deviation / 2
    normal = NormalDist().cdf
    far = math.exp(-0.065 * years) * (forward * normal(d1) - 25_700 * normal(d1 - deviation))
    assert gain == pytest.approx(65 * (130 + far - 260), abs=1e-6)


def test_by_the_model_and_exactly_the_probability_at_expiry_is_the_same() -> None:
    now = market()
    gain = curve(IRON_CONDOR, now, at_ms=to_ms(EXPIRED))
    years = (to_ms(EXPIRED) - AS_OF_MS) / YEAR_MS
    forward = now.terms[EXPIRY].forward
    modelled = probability_of_gain(gain, spot=now.spot, forward=forward, sigma=0.13, years=years)
    exact = probability_of_profit(payoff(IRON_CONDOR), forward=forward, sigma=0.13, years=years)
    assert modelled == pytest.approx(exact, abs=1e-9)
    assert math.isnan(probability_of_gain(gain, spot=now.spot, forward=forward, sigma=0.13, years=0))
