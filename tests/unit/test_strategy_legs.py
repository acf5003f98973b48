"""What may happen to a leg and what may not, and what it was at any instant."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from strategies.domain.legs import (
    Contract,
    Fill,
    Freeze,
    Kind,
    Leg,
    LegClosed,
    LegError,
    LegFrozen,
    Side,
    TooManyLots,
    WrongTime,
)
from strategies.domain.m2m import PriceSource, Quote, linear_greeks, mark_to_market, net_greeks
from tests.unit.legs_made import ENTERED, EXPIRED, EXPIRY, call, fill, future, leg

NOW_MS = int(EXPIRED.timestamp() * 1000)


def test_no_more_can_be_exited_than_is_open() -> None:
    sold = call(Side.SELL, 3, "100").exit(fill(2, "90", minutes=1))
    with pytest.raises(TooManyLots, match="2 lots to exit, 1 open"):
        sold.exit(fill(2, "90", minutes=2))


def test_an_exit_reported_late_may_not_take_what_was_not_open_yet() -> None:
    bought = call(Side.BUY, 1, "100").add(fill(2, "100", minutes=10))
    with pytest.raises(TooManyLots, match="2 lots to exit, 1 open"):
        bought.exit(fill(2, "90", minutes=5))


@pytest.mark.parametrize("what", ["add", "exit"])
def test_nothing_happens_before_the_entry_or_after_the_last_day(what: str) -> None:
    bought = call(Side.BUY, 2, "100")
    with pytest.raises(WrongTime, match="before the entry"):
        getattr(bought, what)(fill(1, "90", minutes=-1))
    with pytest.raises(WrongTime, match="after the contract's last day, 2026-02-03"):
        getattr(bought, what)(fill(1, "90", minutes=3 * 24 * 60))


def test_a_closed_leg_stays_closed() -> None:
    closed = call(Side.BUY, 1, "100").exit(fill(1, "90", minutes=1))
    with pytest.raises(LegClosed, match="nothing of the leg is open"):
        closed.add(fill(1, "80", minutes=2))
    with pytest.raises(LegClosed, match="needs a leg of its own"):
        replace(closed, additions=(fill(1, "80", minutes=2),))
    assert closed.average_price is None


@pytest.mark.parametrize("lots", [0, -1, True, 1.5])
def test_lots_are_whole_and_above_0(lots: int) -> None:
    with pytest.raises(LegError, match="lots must be a whole number above 0"):
        fill(lots, "100")
    with pytest.raises(LegError, match="the lot size must be a whole number above 0"):
        call(Side.BUY, 1, "100", lot_size=lots)


def test_a_fill_needs_an_aware_instant() -> None:
    with pytest.raises(LegError, match="aware"):
        Fill(1, Decimal(1), datetime(2026, 2, 2, 9, 30))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("kind", "strike", "expiry"),
    [
        (Kind.CALL, None, EXPIRY),
        (Kind.FUTURE, Decimal(100), EXPIRY),
        (Kind.FUTURE, None, None),
        (Kind.EQUITY, None, EXPIRY),
    ],
)
def test_a_contract_has_the_shape_of_its_kind(kind: Kind, strike: Decimal | None, expiry: None) -> None:
    with pytest.raises(LegError, match=r"strike|expiry"):
        Contract(1, kind, "NIFTY", is_index=False, expiry=expiry, strike=strike)


def test_an_index_itself_cannot_be_held() -> None:
    with pytest.raises(LegError, match="an index cannot be held"):
        Contract(1, Kind.EQUITY, "NIFTY")


def test_a_leg_is_known_as_of_any_instant() -> None:
    bought = call(Side.BUY, 2, "100").add(fill(1, "103", minutes=10)).exit(fill(2, "110", minutes=20))
    lots: list[tuple[int, Fraction | int | None]] = []
    for minutes in (0, 9, 10, 19, 20, 600):
        then = bought.as_of(ENTERED + timedelta(minutes=minutes))
        assert then is not None
        lots.append((then.open_lots, then.average_price))
    assert lots == [(2, 100), (2, 100), (3, 101), (3, 101), (1, 101), (1, 101)]
    assert bought.as_of(ENTERED - timedelta(seconds=1)) is None


def test_an_open_leg_with_an_old_price_uses_it_and_says_so() -> None:
    legs = call(Side.BUY, 1, "100"), leg(future(), Side.SELL, 1, "25000")
    quotes = {
        1: Quote(last=Decimal(101), last_ts=NOW_MS - 60_001),
        9: Quote(last=Decimal(24_999), last_ts=NOW_MS - 60_000),
    }
    now = mark_to_market(legs, quotes, as_of_ms=NOW_MS)
    assert (now.value, now.partial, now.stale) == (Decimal("130.00"), True, (0,))
    assert [priced and priced.age_ms for priced in now.legs] == [60_001, 60_000]


def test_a_leg_that_never_had_a_price_makes_the_value_unknown_not_0() -> None:
    legs = call(Side.BUY, 2, "100").exit(fill(1, "101", minutes=1)), leg(future(), Side.SELL, 1, "25000")
    now = mark_to_market(legs, {1: Quote(last=Decimal(101), last_ts=NOW_MS)}, as_of_ms=NOW_MS)
    assert (now.value, now.unrealised, now.realised, now.reason) == (None, None, Decimal("65.00"), "no_price")
    assert now.stale == (1,)


def test_a_closed_leg_needs_no_price() -> None:
    closed = call(Side.BUY, 1, "100").exit(fill(1, "101", minutes=1))
    now = mark_to_market([closed], {}, as_of_ms=NOW_MS)
    assert (now.value, now.partial, now.legs, now.reason) == (Decimal("65.00"), False, (None,), None)


def frozen(price: str | None) -> Leg:
    """Return a bought call, frozen an hour after its entry."""
    found = None if price is None else Decimal(price)
    return call(Side.BUY, 1, "100").freeze(Freeze(ENTERED + timedelta(hours=1), "corporate_action: split", found))


@pytest.mark.parametrize("what", ["add", "exit"])
def test_a_frozen_leg_stands_still_until_it_is_released(what: str) -> None:
    with pytest.raises(LegFrozen, match="corporate_action: split"):
        getattr(frozen("120"), what)(fill(1, "121", minutes=70))
    assert frozen("120").unfreeze().exit(fill(1, "121", minutes=70)).open_lots == 0


def test_a_frozen_leg_is_valued_at_its_price_before_and_never_counts_as_fresh() -> None:
    quotes = {1: Quote(last=Decimal(60), last_ts=NOW_MS)}
    now = mark_to_market([frozen("120")], quotes, as_of_ms=NOW_MS)
    assert (now.value, now.stale) == (Decimal("1300.00"), (0,))
    assert now.legs[0] is not None
    assert now.legs[0].source is PriceSource.FROZEN
    assert mark_to_market([frozen(None)], quotes, as_of_ms=NOW_MS).value is None


def test_net_greeks_are_signed_sums_over_what_is_open() -> None:
    sold = call(Side.SELL, 3, "100").exit(fill(1, "99", minutes=1))
    legs = sold, leg(future(), Side.BUY, 1, "25000")
    found = net_greeks(legs, {1: {"delta": 0.5, "vega": 10.0}, 9: linear_greeks(Kind.FUTURE)})
    assert found.values == {"delta": 65 - 0.5 * 130, "vega": -1300.0}


def test_net_greeks_of_nothing_are_all_0() -> None:
    zeros = dict.fromkeys(("delta", "gamma", "theta", "vega", "rho"), 0.0)
    assert net_greeks((), {}).values == zeros
    assert net_greeks((call(Side.SELL, 1, "100").exit(fill(1, "99", minutes=1)),), {1: {"delta": 0.5}}).values == zeros


def test_net_greeks_name_the_leg_that_has_none() -> None:
    legs = call(Side.SELL, 1, "100"), leg(future(), Side.BUY, 1, "25000"), frozen("120")
    found = net_greeks(legs, {1: None, 9: linear_greeks(Kind.FUTURE)})
    assert (found.values, found.missing) == (None, (0, 2))
    with pytest.raises(ValueError, match="not linear"):
        linear_greeks(Kind.CALL)


def test_the_lot_size_of_entry_counts_for_everything_after() -> None:
    bought = call(Side.BUY, 1, "100", lot_size=75).add(fill(1, "100", minutes=1))
    assert (bought.open_units, bought.signed_units, call(Side.SELL, 2, "1").signed_units) == (150, 150, -130)
    assert bought.average_price == Fraction(100)
