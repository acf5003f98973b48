"""Expired legs: settled by the official close, provisionally by the last spot, once, and again where that is corrected.

NIFTY on 3-Feb-2026 closed at 25,727.55; its last tick was 25,713.80.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import TradingAccount
from fo_analytics.domain.calendar import to_ms
from fo_analytics.models import Bar, Instrument, OfficialClose, Underlying
from strategies import models
from strategies.domain.positions import FOREVER, realised_exactly
from strategies.models import Strategy
from strategies.selectors.legs import legs_of
from strategies.services.settlement import settle_expired
from strategies.services.trades import exit_lots
from tests.integration.strategies.listed import FAR, LOT, NEAR, bought, ist, option, sold, strategy_on, trade

EXPIRED = ist("2026-02-03 15:30:00")
OFFICIAL, LAST = 25_727.55, 25_713.80


def spot(price: float, at: datetime, symbol: str = "NIFTY") -> None:
    """Store a minute of a spot."""
    instrument = Instrument.objects.get(underlying__symbol=symbol, kind="SPOT")
    Bar.objects.create(instrument=instrument, time=at, close=price, last_at=at)


def official(price: float, symbol: str = "NIFTY", at: datetime = EXPIRED + timedelta(minutes=12)) -> None:
    """Store an official close of the day."""
    owner = Underlying.objects.get(symbol=symbol)
    values: dict[str, Any] = {"price": price, "observed_at": at}
    OfficialClose.objects.update_or_create(underlying=owner, date=NEAR, defaults=values)


def settle(*, after: timedelta = timedelta(hours=1)) -> int:
    """Settle so long after the expiry."""
    return settle_expired(now_ms=to_ms(EXPIRED + after))


def settlements() -> list[tuple[Any, ...]]:
    """Return at what the legs are settled: price, source, provisional, lots still open."""
    rows = models.Leg.objects.order_by("pk")
    return list(rows.values_list("settlement_price", "settlement_source", "settlement_is_provisional", "open_lots"))


def test_a_straddle_settles_at_the_official_close_and_not_at_the_last_spot(account: TradingAccount) -> None:
    strategy = strategy_on(account)
    Strategy.objects.update(outdated_since=None)
    spot(LAST, EXPIRED - timedelta(minutes=1))
    official(OFFICIAL)
    assert settle() == 2
    zero, intrinsic = Decimal(0), Decimal("27.55")
    assert settlements() == [(intrinsic, "official_close", False, 0), (zero, "official_close", False, 0)]
    gained = realised_exactly(legs_of(strategy_id=strategy))
    assert gained == Decimal("30316.00")  # (140.50 + 120.25 − 27.55) × 2 × 65; by the last spot 32,103.50
    assert Strategy.objects.get().outdated_since == EXPIRED
    assert set(models.Leg.objects.values_list("settlement_close", flat=True)) == {Decimal("25727.55")}


def test_before_the_expiry_instant_nothing_is_settled(account: TradingAccount) -> None:
    strategy_on(account)
    official(OFFICIAL)
    assert settle(after=timedelta(seconds=-1)) == 0
    assert settle(after=timedelta(hours=1)) == 2


def test_the_states_of_a_settled_leg_hold_cash_from_the_expiry_instant_on(account: TradingAccount) -> None:
    strategy_on(account, bought(option("CE", 25_700), 1, "10"))
    official(OFFICIAL)
    settle()
    before, after = models.LegState.objects.order_by("since")
    assert (before.until, after.since, after.until) == (int(EXPIRED.timestamp()), int(EXPIRED.timestamp()), FOREVER)
    assert (before.units, after.units) == (LOT, 0)
    assert after.cash == Decimal("17.55") * LOT * 100_000


def test_until_the_official_close_is_there_the_last_spot_settles_provisionally(account: TradingAccount) -> None:
    strategy_on(account)
    spot(25_690.0, EXPIRED - timedelta(minutes=5))
    spot(LAST, EXPIRED - timedelta(minutes=1))
    spot(25_999.0, EXPIRED)  # after the contract was over
    assert settle(after=timedelta(seconds=30)) == 2
    assert settlements() == [(Decimal("13.80"), "last_spot", True, 2), (Decimal(0), "last_spot", True, 2)]
    assert settle(after=timedelta(seconds=60)) == 0
    official(OFFICIAL)
    assert settle() == 2
    assert settlements()[0] == (Decimal("27.55"), "official_close", False, 0)


def test_an_official_close_is_final_once_no_newer_one_can_come(account: TradingAccount) -> None:
    strategy_on(account)
    official(LAST, at=EXPIRED + timedelta(seconds=30))
    settle(after=timedelta(minutes=1))
    assert settlements()[0] == (Decimal("13.80"), "last_spot", True, 2)
    official(OFFICIAL)
    settle(after=timedelta(minutes=14, seconds=59))
    assert settlements()[0] == (Decimal("27.55"), "last_spot", True, 2)
    settle(after=timedelta(minutes=15))
    assert settlements()[0] == (Decimal("27.55"), "official_close", False, 0)


def test_a_close_that_is_corrected_within_a_day_is_followed_and_later_no_more(account: TradingAccount) -> None:
    strategy_on(account)
    official(LAST)
    assert settle() == 2
    official(OFFICIAL)
    assert settle(after=timedelta(hours=24)) == 2
    assert settlements()[0] == (Decimal("27.55"), "official_close", False, 0)
    official(1.0)
    assert settle(after=timedelta(hours=49)) == 0


def test_a_replay_that_has_not_come_to_the_expiry_settles_nothing(account: TradingAccount) -> None:
    strategy_on(account)
    spot(25_650.0, ist("2026-02-03 10:00:00"))
    assert settle(after=timedelta(days=200)) == 0
    spot(LAST, EXPIRED - timedelta(minutes=1))
    assert settle(after=timedelta(days=200)) == 2
    assert settlements()[0] == (Decimal("13.80"), "last_spot", True, 2)


def test_a_spot_of_another_day_settles_nothing(account: TradingAccount) -> None:
    strategy_on(account)
    spot(25_650.0, ist("2026-02-02 15:29:00"))
    assert settle() == 0


def test_only_what_expired_is_settled(account: TradingAccount) -> None:
    strategy_on(account, sold(option("CE", 25_700), 1, "10"), bought(option("CE", 25_700, FAR), 1, "90"))
    official(OFFICIAL)
    assert settle() == 1
    assert [lots for *_, lots in settlements()] == [0, 1]


def test_a_stock_option_in_the_money_is_delivered(account: TradingAccount) -> None:
    legs = (bought(option(kind, 100, underlying="ABCD"), 1, "4") for kind in ("CE", "PE"))
    strategy_on(account, *legs)
    official(107.35, "ABCD")
    settle()
    assert [price for price, *_ in settlements()] == [Decimal("7.35"), Decimal(0)]
    assert list(models.Leg.objects.order_by("pk").values_list("physical_delivery", flat=True)) == [True, False]


def test_an_exit_before_the_expiry_that_is_told_after_it_counts_and_the_rest_stays_settled(
    account: TradingAccount,
) -> None:
    strategy = strategy_on(account, sold(option("CE", 25_700), 3, "100"))
    leg = models.Leg.objects.get().pk
    official(OFFICIAL)
    settle()
    told = EXPIRED + timedelta(hours=2)
    exit_lots(strategy_id=strategy, leg_id=leg, trade=trade(2, "50", ist("2026-02-03 15:00:00")), now=told)
    assert realised_exactly(legs_of(strategy_id=strategy)) == (2 * 50 + Decimal("72.45")) * LOT
    exit_lots(strategy_id=strategy, leg_id=leg, trade=trade(1, "60", ist("2026-02-03 15:01:00")), now=told)
    assert realised_exactly(legs_of(strategy_id=strategy)) == (2 * 50 + 40) * LOT
    assert settlements() == [(None, "", False, 0)]
    assert settle() == 0


@pytest.mark.parametrize("count", [1, 6])
def test_the_number_of_queries_does_not_grow_with_the_legs(account: TradingAccount, count: int) -> None:
    for _ in range(count):
        strategy_on(account)
    official(OFFICIAL)
    with CaptureQueriesContext(connection) as queries:
        assert settle() == 2 * count
    assert len(queries) <= 14
    with CaptureQueriesContext(connection) as queries:
        assert settle() == 0
    assert len(queries) <= 3


def test_a_leg_that_cannot_be_settled_keeps_no_other_from_it(account: TradingAccount) -> None:
    strategy_on(account)
    spoilt = models.Leg.objects.order_by("pk")[0]
    models.Fill.objects.create(leg=spoilt, direction="exit", lots=99, price="1", at=ist("2026-02-02 11:00:00"))
    official(OFFICIAL)
    assert settle() == 1
    assert [lots for *_, lots in settlements()] == [2, 0]
