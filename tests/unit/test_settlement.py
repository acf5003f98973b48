"""Expiry: by the official close, not by the last tick. NIFTY on 3-Feb-2026 closed at 25,727.55; its last tick was
25,713.80."""

from datetime import timedelta
from decimal import Decimal, localcontext

import pytest

from strategies.domain.legs import Contract, Kind, Leg, LegClosed, LegError, Settlement, Side, WrongTime
from strategies.domain.m2m import PriceSource, mark_to_market
from strategies.domain.settlement import freeze_for_corporate_action, settle, settlement_of
from tests.unit.legs_made import EXPIRED, EXPIRY, LOT, call, fill, future, leg, option

OFFICIAL, LAST = Decimal("25727.55"), Decimal("25713.80")
AFTER_MS = int(EXPIRED.timestamp() * 1000) + 3_600_000


def settled(one: Leg, *, official: Decimal | None = OFFICIAL) -> Leg:
    """Return a leg settled as far as is known."""
    return settle(one, settlement_of(one.contract, at=EXPIRED, official_close=official, last_spot=LAST))


def value(*legs: Leg) -> Decimal:
    """Return what legs that need no market are worth."""
    found = mark_to_market(legs, {}, as_of_ms=AFTER_MS).value
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "strike", "price"),
    [
        (Kind.CALL, "25700", "27.55"),
        (Kind.CALL, "25727.55", "0"),
        (Kind.CALL, "25750", "0"),
        (Kind.PUT, "25700", "0"),
        (Kind.PUT, "25750", "22.45"),
    ],
)
def test_an_index_option_settles_at_intrinsic_of_the_official_close(kind: Kind, strike: str, price: str) -> None:
    found = settlement_of(option(kind, strike), at=EXPIRED, official_close=OFFICIAL, last_spot=LAST)
    assert found == Settlement(Decimal(price), EXPIRED, "official_close", provisional=False)


def test_a_future_settles_at_the_official_close() -> None:
    assert value(settled(leg(future(), Side.SELL, 1, "25730"))) == Decimal("159.25")  # 2.45 × 65


def test_the_last_tick_would_settle_a_straddle_at_another_amount() -> None:
    straddle = (
        leg(option(Kind.CALL, "25700"), Side.SELL, 1, "100.00"),
        leg(option(Kind.PUT, "25700", key=2), Side.SELL, 1, "90.00"),
    )
    final = value(*(settled(one) for one in straddle))
    provisional = value(*(settled(one, official=None) for one in straddle))
    assert final == Decimal("10559.25")  # (190 − 27.55) × 65
    assert provisional == Decimal("11453.00")  # (190 − 13.80) × 65
    assert final - provisional == (LAST - OFFICIAL) * LOT


def test_until_the_official_close_is_there_a_settlement_is_provisional_and_unrealised() -> None:
    waiting = settled(call(Side.BUY, 1, "10"), official=None)
    now = mark_to_market([waiting], {}, as_of_ms=AFTER_MS)
    assert (now.value, now.realised, now.unrealised) == (Decimal("247.00"), Decimal(0), Decimal("247.00"))
    assert now.legs[0] is not None
    assert (now.legs[0].source, now.partial) == (PriceSource.PROVISIONAL, False)
    assert (waiting.open_lots, waiting.settlement is not None and waiting.settlement.source) == (1, "last_spot")
    final = mark_to_market([settled(waiting)], {}, as_of_ms=AFTER_MS)
    assert (final.value, final.realised, final.unrealised) == (Decimal("1140.75"), Decimal("1140.75"), Decimal(0))


def test_without_any_close_nothing_is_settled() -> None:
    bought = call(Side.BUY, 1, "10")
    assert settlement_of(bought.contract, at=EXPIRED, official_close=None) is None
    assert settle(bought, None) is bought


def test_settling_twice_changes_nothing_and_otherwise_is_refused() -> None:
    once = settled(call(Side.BUY, 1, "10"))
    assert settled(once) == once
    assert settled(once, official=None) == once
    other = Settlement(Decimal(1), EXPIRED, "official_close", provisional=False)
    with pytest.raises(LegError, match=r"settled at 27.55 \(official_close\) already"):
        once.settle(other)


@pytest.mark.parametrize("official", [OFFICIAL, None])
def test_a_settled_leg_is_traded_no_more(official: Decimal | None) -> None:
    with pytest.raises(LegClosed, match="settled"):
        settled(call(Side.BUY, 1, "10"), official=official).exit(fill(1, "12", minutes=1))


def test_a_leg_is_not_settled_before_its_last_trade() -> None:
    bought = call(Side.BUY, 2, "10").exit(fill(1, "12", minutes=30))
    early = Settlement(Decimal(1), EXPIRED - timedelta(days=2), "official_close", provisional=False)
    with pytest.raises(WrongTime, match="traded after"):
        bought.settle(early)


def test_only_what_is_open_is_settled() -> None:
    sold = settled(call(Side.SELL, 3, "30").exit(fill(1, "20", minutes=1)))
    assert value(sold) == Decimal("968.50")  # 10 × 65 + 2.45 × 130
    closed = call(Side.SELL, 1, "30").exit(fill(1, "20", minutes=1))
    assert settled(closed) is closed


@pytest.mark.parametrize(
    ("kind", "strike", "delivered"),
    [(Kind.CALL, "1400", True), (Kind.CALL, "1500", False), (Kind.PUT, "1500", True), (Kind.FUTURE, None, True)],
)
def test_stock_contracts_that_are_worth_something_are_delivered(
    kind: Kind, strike: str | None, delivered: bool
) -> None:
    contract = Contract(3, kind, "RELIANCE", False, EXPIRY, None if strike is None else Decimal(strike))
    found = settlement_of(contract, at=EXPIRED, official_close=Decimal("1450.20"))
    assert found is not None
    assert found.physical_delivery is delivered


def test_a_share_does_not_expire() -> None:
    share = Contract(3, Kind.EQUITY, "RELIANCE", is_index=False, tick=Decimal("0.10"))
    with pytest.raises(LegError, match="does not expire"):
        settlement_of(share, at=EXPIRED, official_close=Decimal(1450))


def test_a_corporate_action_freezes_what_is_open_once() -> None:
    when = EXPIRED - timedelta(hours=6)
    bought = call(Side.BUY, 1, "100")
    first = freeze_for_corporate_action(bought, at=when, action="bonus 1:1", last_price=Decimal(110))
    again = freeze_for_corporate_action(first, at=EXPIRED, action="another", last_price=Decimal(50))
    assert first.frozen is not None
    assert (first.frozen.reason, again) == ("corporate_action: bonus 1:1", first)
    assert settled(first) is first
    assert value(first) == Decimal("650.00")


def test_the_caller_s_decimal_precision_changes_no_settlement() -> None:
    with localcontext(prec=3):
        found = settlement_of(option(Kind.CALL, "25700"), at=EXPIRED, official_close=OFFICIAL)
    assert found is not None
    assert found.price == Decimal("27.55")
