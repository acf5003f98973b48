"""To the paisa: what our own code makes of signs, lots, exits, averages, ticks, halves and large amounts.

Expectations are worked out by hand; the sum is beside each.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from strategies.domain.legs import Contract, Fill, Kind, Leg, LegError, Settlement, Side
from strategies.domain.m2m import M2M, PriceSource, Quote, Valuation, mark_to_market, price_for
from strategies.domain.money import points_of, points_of_floats, price_of, rounded, rounded_points
from strategies.domain.positions import MoneyOverflow, marks_of, positions_of, price_table, values
from tests.unit.legs_made import EXPIRED, call, fill, future, leg

NOW_MS = int(EXPIRED.timestamp() * 1000)
TICK = Decimal("0.05")


def marked(*legs: Leg, last: str, valuation: Valuation = Valuation.LAST, **quote: str) -> M2M:
    """Return the M2M of legs that are all in one contract, freshly priced."""
    sides = {name: Decimal(price) for name, price in quote.items()}
    seen = Quote(last=Decimal(last), last_ts=NOW_MS, quote_ts=NOW_MS, **sides)
    return mark_to_market(legs, {legs[0].contract.key: seen}, as_of_ms=NOW_MS, valuation=valuation)


def paise_of(*legs: Leg, last: str) -> int:
    """Return the value in paise as the set-based form computes it."""
    second = NOW_MS // 1000
    keys = {leg.contract.key: 0 for leg in legs}
    table = price_table(marks_of([(0, NOW_MS, Decimal(last))]), slots=1, second=np.array([second]))
    found = values(positions_of([legs], keys), table, fresh_ms=60_000)
    assert found.known.all()
    return int(rounded_points(found.value)[0, 0])


@pytest.mark.parametrize(
    ("legs", "last", "value"),
    [
        ((call(Side.BUY, 1, "100"),), "100.05", "3.25"),  # 0.05 × 65
        ((call(Side.SELL, 1, "100"),), "100.05", "-3.25"),
        ((call(Side.SELL, 1, "100"),), "99.95", "3.25"),
        ((call(Side.BUY, 7, "0.05"),), "0.10", "22.75"),  # 0.05 × 455
        ((call(Side.BUY, 2, "131.35"), call(Side.SELL, 3, "128.10")), "130.00", "-546.00"),  # −1.35·130 − 1.90·195
        ((call(Side.BUY, 1, "100.10"),), "100.10", "0.00"),
        ((call(Side.BUY, 1, "0.10", lot_size=3),), "0.30", "0.60"),  # binary floats say 0.6000000000000001
        ((call(Side.BUY, 1, "100", lot_size=25), call(Side.BUY, 1, "100", lot_size=75)), "101", "100.00"),
        # Averages are no multiple of a paisa: (100 + 100.05 + 100.05)/3 = 100.0333…; 3·65·(101 − 100.0333…)
        ((call(Side.BUY, 1, "100").add(fill(2, "100.05", minutes=1)),), "101", "188.50"),
        # Exit of 1 of those: 195 units made it, 65 of them sold at 100.50, 130 at 101.
        (
            (call(Side.BUY, 1, "100").add(fill(2, "100.05", minutes=1)).exit(fill(1, "100.50", minutes=2)),),
            "101",
            "156.00",
        ),
        ((call(Side.SELL, 4, "250.25").exit(fill(1, "200.15", minutes=1)),), "199.95", "13065.00"),  # 3256.5 + 9808.5
        ((call(Side.SELL, 1, "100").exit(fill(1, "120.35", minutes=1)),), "5", "-1322.75"),  # closed
        ((leg(future(), Side.BUY, 1_000, "15384.60", lot_size=65),), "15384.65", "3250.00"),  # 1e9 rupees of notional
        ((leg(future(), Side.SELL, 1_000, "15384.65", lot_size=65),), "15384.6", "3250.00"),
    ],
)  # fmt: skip
def test_the_value_is_exact_in_both_forms(legs: tuple[Leg, ...], last: str, value: str) -> None:
    assert marked(*legs, last=last).value == Decimal(value)
    assert paise_of(*legs, last=last) == Decimal(value) * 100


@pytest.mark.parametrize(
    ("price", "lot_size", "value"),
    [
        ("100.0001", 50, "0.00"),  # 0.005: half to even, down
        ("100.0003", 50, "0.02"),  # 0.015: half to even, up
        ("100.0005", 50, "0.02"),  # 0.025
        ("100.0001", 51, "0.01"),  # 0.0051
        ("99.9999", 50, "0.00"),  # −0.005
        ("99.9997", 50, "-0.02"),  # −0.015
    ],
)
def test_halves_of_a_paisa_go_to_the_even_one(price: str, lot_size: int, value: str) -> None:
    bought = call(Side.BUY, 1, "100", lot_size=lot_size)
    assert marked(bought, last=price).value == Decimal(value)
    assert paise_of(bought, last=price) == Decimal(value) * 100


def test_rounding_happens_once_for_the_whole_strategy() -> None:
    # Each leg alone is 0.005 and rounds to 0.00; together they are 0.02.
    legs = [call(Side.BUY, 1, "100", lot_size=50)] * 4
    assert [marked(one, last="100.0001").value for one in legs] == [Decimal(0)] * 4
    assert marked(*legs, last="100.0001").value == Decimal("0.02")
    assert paise_of(*legs, last="100.0001") == 2


def test_realised_and_unrealised_add_up_where_each_alone_would_round() -> None:
    bought = (
        call(Side.BUY, 3, "100", lot_size=1).add(fill(3, "100.0001", minutes=1)).exit(fill(1, "100.0051", minutes=2))
    )
    now = marked(bought, last="100.0051")
    assert bought.average_price == Fraction("100.00005")
    assert (now.value, now.realised, now.unrealised) == (Decimal("0.03"), Decimal("0.01"), Decimal("0.02"))


def test_an_exit_takes_lots_at_the_average_not_at_the_first_price() -> None:
    bought = call(Side.BUY, 1, "100").add(fill(1, "110", minutes=1)).exit(fill(1, "108", minutes=2))
    now = marked(bought, last="108")
    assert (now.realised, now.unrealised) == (Decimal("195.00"), Decimal("195.00"))  # 3 × 65; first-in first-out: 520
    assert bought.average_price == 105


def test_an_addition_after_an_exit_averages_only_what_was_left() -> None:
    bought = call(Side.BUY, 2, "100").exit(fill(1, "103", minutes=1)).add(fill(1, "110", minutes=2))
    assert bought.average_price == 105  # (100 + 110)/2
    assert marked(bought, last="105").realised == Decimal("195.00")


def test_the_mid_has_half_a_tick_and_keeps_it() -> None:
    sold = call(Side.SELL, 1, "100")
    now = marked(sold, last="90", bid="99.95", ask="100.00", valuation=Valuation.MID)
    assert now.value == Decimal("1.62")  # 0.025 × 65 = 1.625, to even
    assert now.legs[0] is not None
    assert now.legs[0].source is PriceSource.MID


@pytest.mark.parametrize(
    ("bid", "ask", "price", "source"),
    [
        ("0.05", "0.15", "0.10", "mid"),  # 100 % of the mid, but two ticks
        ("0.05", "0.20", "0.20", "last"),  # three ticks: the last price, 1.00, clamped
        ("9.05", "11.05", "10.05", "mid"),  # 19.9 %
        ("9.00", "11.00", "9.00", "last"),  # 20 % is not less than 20 %
        ("2.00", "1.95", "1.00", "last"),  # crossed: clamps nothing
    ],
)
def test_a_wide_or_crossed_quote_is_no_mid(bid: str, ask: str, price: str, source: str) -> None:
    quote = Quote(Decimal("1.00"), 1, Decimal(bid), Decimal(ask), 2)
    assert price_for(quote, TICK, Valuation.MID)[:2] == (Fraction(price), PriceSource(source))


@pytest.mark.parametrize("tick", ["0.05", "0.01", "0.0025", "0.1"])
def test_every_multiple_of_a_tick_survives_the_way_through_a_float(tick: str) -> None:
    counts = (1, 3, 7, 2_573, 257_138, 514_276, 9_999_999)
    prices = [Decimal(tick) * count for count in counts]
    assert [price_of(float(price)) for price in prices] == prices
    assert points_of_floats(np.array(prices, np.float64)).tolist() == [points_of(price) for price in prices]


def test_a_price_of_the_feed_that_is_none_is_no_money() -> None:
    assert points_of_floats(np.array([np.nan, np.inf, 0.0, -1.0, 25_713.80])).tolist() == [
        -1,
        -1,
        -1,
        -1,
        2_571_380_000,
    ]
    with pytest.raises(ValueError, match="no price"):
        price_of(float("nan"))


def test_a_price_is_on_its_contract_s_tick_or_not() -> None:
    contract = call(Side.BUY, 1, "100").contract
    assert contract.is_on_tick(Decimal("25713.80"))
    assert not contract.is_on_tick(Decimal("25727.53"))
    assert Contract(1, Kind.FUTURE, "X", expiry=EXPIRED.date(), tick=Decimal("0.0025")).is_on_tick(Decimal("85.1025"))


@pytest.mark.parametrize("price", ["0", "-1", "100.00001", "NaN", "Infinity"])
def test_what_is_no_price_is_refused(price: str) -> None:
    with pytest.raises(LegError, match="the price must"):
        fill(1, price)


def test_a_float_is_no_money() -> None:
    with pytest.raises(TypeError, match="must be a Decimal"):
        Fill(1, 100.05, EXPIRED)  # type: ignore[arg-type]


def test_the_caller_s_decimal_precision_changes_nothing() -> None:
    legs = leg(future(), Side.BUY, 1_000, "15384.60"), leg(future(), Side.SELL, 999, "0.05")
    usual = marked(*legs, last="15384.65")
    with localcontext(prec=4):
        assert marked(*legs, last="15384.65") == usual
    assert usual.value == Decimal("-998995751.00")  # 0.05·65000 − 15384.60·64935


def test_amounts_far_beyond_a_billion_are_exact_until_they_are_refused() -> None:
    huge = leg(future(), Side.BUY, 1_000_000, "100000.0001", lot_size=75)  # 7.5e12 rupees
    assert paise_of(huge, last="100000.0003") == 1_500_000
    with pytest.raises(MoneyOverflow, match="too large"):
        paise_of(*[huge] * 10, last="100000.0003")


def test_rounding_agrees_between_whole_numbers_and_fractions() -> None:
    points = np.arange(-3_000, 3_001, 50)
    exact = [rounded(Fraction(int(point), 100_000)) * 100 for point in points]
    assert rounded_points(points).tolist() == exact


def test_a_settlement_closes_at_its_price_to_the_paisa() -> None:
    sold = call(Side.SELL, 2, "31.35").settle(
        Settlement(Decimal("27.55"), EXPIRED, "official_close", provisional=False)
    )
    now = marked(sold, last="13.80")
    assert (now.value, now.unrealised, sold.open_units) == (Decimal("494.00"), Decimal(0), 0)  # 3.80 × 130
