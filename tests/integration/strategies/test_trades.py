"""Legs: entered, added to, exited; what cannot have happened is refused, and leaves nothing behind."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from accounts.models import TradingAccount
from fo_analytics.models import Instrument, SupersededTerms
from strategies import models
from strategies.domain.legs import Leg, Side
from strategies.domain.money import POINTS
from strategies.domain.positions import FOREVER, realised_exactly
from strategies.models import LegState, Strategy
from strategies.selectors.instruments import Named
from strategies.selectors.legs import legs_of
from strategies.services.fills import MOST_UNITS, Trade
from strategies.services.strategies import change_status
from strategies.services.trades import MOST_LEGS, NewLeg, add_leg, add_lots, delete_leg, exit_lots
from tests.integration.strategies.listed import (
    ENTERED,
    FAR,
    LOT,
    NEAR,
    NOW,
    STOCK_LOT,
    bought,
    ist,
    option,
    sold,
    strategy_on,
    trade,
)
from tradingviz.core.errors import InvalidRequest

LATER = ENTERED + timedelta(hours=1)


@pytest.fixture
def strategy(account: TradingAccount) -> int:
    """A draft of one call, three lots bought."""
    return strategy_on(account, bought(option("CE", 25_700), 3, "140.50"), active=False)


def only_leg(strategy: int) -> models.Leg:
    """Return the row of the only leg."""
    return models.Leg.objects.get(strategy=strategy)


def value(strategy: int) -> Leg:
    """Return the only leg as a value."""
    (found,) = legs_of(strategy_id=strategy)
    return found


def counts() -> tuple[int, int, int]:
    """Return how many legs, fills and states there are."""
    return models.Leg.objects.count(), models.Fill.objects.count(), LegState.objects.count()


def test_a_leg_is_stored_with_the_lot_of_its_day_and_a_state_that_holds_from_its_entry(strategy: int) -> None:
    leg = only_leg(strategy)
    assert (leg.side, leg.lot_size, leg.open_lots) == ("BUY", LOT, 3)
    state = LegState.objects.get(leg=leg)
    paid = int(Decimal("140.50") * 3 * LOT * POINTS)
    assert (state.units, state.cash, state.instrument_id) == (3 * LOT, -paid, leg.instrument_id)
    assert (state.since, state.until) == (int(ENTERED.timestamp()), FOREVER)
    assert Strategy.objects.get().outdated_since == ENTERED


def test_lots_added_average_in_and_lots_exited_realise(strategy: int) -> None:
    leg = only_leg(strategy)
    add_lots(strategy_id=strategy, leg_id=leg.pk, trade=trade(1, "150.50", LATER), now=NOW)
    exit_lots(strategy_id=strategy, leg_id=leg.pk, trade=trade(2, "160.00", LATER), now=NOW)
    now = value(strategy)
    average = Fraction(3 * 14_050 + 15_050, 400)
    assert (now.open_lots, now.average_price) == (2, average)
    assert realised_exactly([now]) == (160 - average) * 2 * LOT
    assert only_leg(strategy).open_lots == 2
    # One state a second: addition and exit were in the same one.
    assert [state.units for state in LegState.objects.all()] == [3 * LOT, 2 * LOT]


def test_an_earlier_exit_told_later_makes_the_candles_from_there_on_outdated(strategy: int) -> None:
    Strategy.objects.update(outdated_since=None)
    exit_lots(strategy_id=strategy, leg_id=only_leg(strategy).pk, trade=trade(1, "150", NOW), now=NOW)
    assert Strategy.objects.get().outdated_since == NOW
    exit_lots(strategy_id=strategy, leg_id=only_leg(strategy).pk, trade=trade(1, "150", LATER), now=NOW)
    assert Strategy.objects.get().outdated_since == LATER
    assert [state.units for state in LegState.objects.all()] == [3 * LOT, 2 * LOT, LOT]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (trade(4, "150", LATER), "lots"),
        (trade(1, "150", ENTERED - timedelta(seconds=1)), "at"),
        (trade(1, "150", NOW + timedelta(seconds=1)), "at"),
        (trade(1, "150.01", LATER), "price"),
        (Trade(lots=1, at=LATER), "price"),
        (Trade(lots=1), "price"),
    ],
)
def test_an_exit_that_cannot_have_happened_is_refused_and_changes_nothing(
    strategy: int, change: Trade, field: str
) -> None:
    before = counts()
    with pytest.raises(InvalidRequest) as refused:
        exit_lots(strategy_id=strategy, leg_id=only_leg(strategy).pk, trade=change, now=NOW)
    assert refused.value.field == field
    assert counts() == before
    assert only_leg(strategy).open_lots == 3


def test_an_average_of_several_trades_need_not_be_on_the_tick(strategy: int) -> None:
    exit_lots(
        strategy_id=strategy, leg_id=only_leg(strategy).pk, trade=trade(1, "150.0133", LATER, average=True), now=NOW
    )
    assert value(strategy).exits[0].price == Decimal("150.0133")


@pytest.mark.parametrize(
    ("leg", "field"),
    [
        (sold(option("CE", 25_700), 1, "10", ist("2026-01-31 10:00:00")), "at"),  # a Saturday
        (sold(option("CE", 25_700), 1, "10", ist("2026-02-03 15:30:01")), "at"),
        (sold(option("CE", 25_710), 1, "10"), "strike"),
        (sold(option("CE", 25_700, FAR.replace(day=11)), 1, "10"), "expiry"),
        (sold(option("CE", 25_700, underlying="NOBODY"), 1, "10"), "underlying"),
        (sold(Named(underlying="NIFTY", kind="CE", expiry="NWeek+7", strike=Decimal(25_700)), 1, "10"), "expiry"),
        (sold(Named(underlying="NIFTY", kind="CE", expiry=str(NEAR)), 1, "10"), "strike"),
        (sold(Named(underlying="NIFTY"), 1, "10"), "kind"),
        (sold(Named(), 1, "10"), "token"),
        (sold(Named(token=7), 1, "10"), "token"),
        (sold(Named(tradingsymbol="NIFTY99"), 1, "10"), "tradingsymbol"),
        (sold(Named(token=1), 1, "10"), "token"),  # the index itself
        (sold(option("CE", 25_700), MOST_UNITS // LOT + 1, "10"), "lots"),
        (sold(option("CE", 25_700), MOST_UNITS // LOT, "9999"), "lots"),
    ],
)
def test_a_leg_that_cannot_be_is_refused_with_its_field(account: TradingAccount, leg: NewLeg, field: str) -> None:
    strategy = strategy_on(account, active=False)
    before = counts()
    with pytest.raises(InvalidRequest) as refused:
        add_leg(strategy_id=strategy, leg=leg, now=ist("2026-02-04 10:00:00"))
    assert refused.value.field == field
    assert counts() == before


@pytest.mark.parametrize(
    ("named", "symbol"),
    [
        (Named(token=2), "ABCD"),
        (Named(tradingsymbol="NIFTY26FEBFUT"), "NIFTY26FEBFUT"),
        (Named(underlying="NIFTY 50", kind="FUT", expiry="2026-02-03"), "NIFTY26FEBFUT"),
        (Named(underlying="ABCD", kind="EQ"), "ABCD"),
        (Named(underlying="nifty", kind="PE", expiry="NWeek+1", strike=Decimal("25700.00")), "NIFTY26021025700PE"),
    ],
)
def test_an_instrument_is_found_by_token_by_name_and_by_what_it_is(strategy: int, named: Named, symbol: str) -> None:
    leg_id = add_leg(strategy_id=strategy, leg=bought(named, 1, "100"), now=NOW)
    assert models.Leg.objects.get(pk=leg_id).instrument.tradingsymbol == symbol


def test_a_label_means_what_it_meant_when_the_leg_was_entered(strategy: int) -> None:
    named = Named(underlying="NIFTY", kind="CE", expiry="NWeek+0", strike=Decimal(25_700))
    found = [
        models.Leg.objects.get(
            pk=add_leg(strategy_id=strategy, leg=bought(named, 1, "9", at), now=at)
        ).instrument.expiry
        for at in (ENTERED, ist("2026-02-03 15:29:59"), ist("2026-02-04 09:15:00"))
    ]
    assert found == [NEAR, NEAR, FAR]


def test_the_lot_is_that_of_the_day_of_entry_and_stays(account: TradingAccount) -> None:
    contract = Instrument.objects.get(tradingsymbol="ABCD")
    future = Instrument.objects.get(tradingsymbol="ABCD26FEBFUT")
    SupersededTerms.objects.create(instrument=future, valid_to=ENTERED.date(), lot_size=250, tick_size="0.10")
    before = sold(Named(token=future.token), 1, "100.10")
    after = sold(Named(token=future.token), 1, "100.05", ist("2026-02-03 09:30:00"))
    strategy = strategy_on(account, before, after, active=False, now=ist("2026-02-03 10:00:00"))
    assert list(models.Leg.objects.filter(strategy=strategy).values_list("lot_size", flat=True)) == [250, STOCK_LOT]
    with pytest.raises(InvalidRequest, match="tick"):
        add_leg(strategy_id=strategy, leg=sold(Named(token=future.token), 1, "100.05"), now=NOW)
    assert contract.lot_size == 1


def test_a_leg_of_a_draft_is_deleted_and_one_that_was_traded_is_not(strategy: int) -> None:
    leg_id = add_leg(strategy_id=strategy, leg=sold(option("PE", 25_700), 1, "90"), now=NOW)
    delete_leg(strategy_id=strategy, leg_id=leg_id)
    assert counts() == (1, 1, 1)
    change_status(strategy_id=strategy, status="active", now=NOW)
    with pytest.raises(InvalidRequest, match="exited, not deleted"):
        delete_leg(strategy_id=strategy, leg_id=only_leg(strategy).pk)


def test_a_change_asked_for_again_under_its_key_is_the_one_of_before(strategy: int) -> None:
    leg = sold(option("PE", 25_700), 1, "90")
    first = add_leg(strategy_id=strategy, leg=leg, now=NOW, key="k1")
    assert add_leg(strategy_id=strategy, leg=leg, now=NOW + timedelta(minutes=1), key="k1") == first
    for _ in range(2):
        exit_lots(strategy_id=strategy, leg_id=first, trade=trade(1, "80", LATER), now=NOW, key="k2")
    assert counts()[:2] == (2, 3)
    with pytest.raises(InvalidRequest, match="another change"):
        add_lots(strategy_id=strategy, leg_id=first, trade=trade(1, "80", LATER), now=NOW, key="k2")


def test_without_a_key_a_change_asked_for_twice_is_two(strategy: int) -> None:
    leg = sold(option("PE", 25_700), 1, "90")
    assert add_leg(strategy_id=strategy, leg=leg, now=NOW) != add_leg(strategy_id=strategy, leg=leg, now=NOW)


def test_there_are_no_more_legs_than_are_counted_exactly(strategy: int) -> None:
    leg = NewLeg(named=option("PE", 25_700), side=Side.SELL, trade=trade(1, "90"))
    for _ in range(MOST_LEGS - 1):
        add_leg(strategy_id=strategy, leg=leg, now=NOW)
    with pytest.raises(InvalidRequest, match=str(MOST_LEGS)):
        add_leg(strategy_id=strategy, leg=leg, now=NOW)
