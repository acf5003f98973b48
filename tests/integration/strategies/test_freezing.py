"""Legs stand still where a corporate action changed their contract, until a person has seen to it."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from accounts.models import TradingAccount
from fo_analytics.domain.calendar import to_ms
from fo_analytics.models import Bar, Instrument, SupersededTerms
from strategies import models
from strategies.models import Strategy
from strategies.selectors.instruments import Named
from strategies.services.corporate_actions import freeze_changed, freeze_legs, unfreeze_legs
from strategies.services.settlement import settle_expired
from strategies.services.trades import exit_lots
from tests.integration.strategies.listed import ENTERED, STOCK_LOT, bought, ist, option, strategy_on, trade

FUTURE = Named(tradingsymbol="ABCD26FEBFUT")
CHANGED = ist("2026-02-03 09:15:00")  # the open of the first session after the old terms
NOW = ist("2026-02-03 10:00:00")


def freeze() -> int:
    """Look for changes now."""
    return freeze_changed(now_ms=to_ms(NOW))


def supersede(symbol: str, last: date = date(2026, 2, 2)) -> None:
    """Double the lot of a contract from the day after `last` on."""
    contract = Instrument.objects.get(tradingsymbol=symbol)
    SupersededTerms.objects.create(instrument=contract, valid_to=last, lot_size=contract.lot_size, tick_size="0.05")
    Instrument.objects.filter(pk=contract.pk).update(lot_size=contract.lot_size * 2)


def price(symbol: str, close: float, at: datetime) -> None:
    """Store a minute."""
    Bar.objects.create(instrument=Instrument.objects.get(tradingsymbol=symbol), time=at, close=close)


def test_a_leg_in_a_stock_whose_lot_became_another_is_frozen_at_its_last_price_before(account: TradingAccount) -> None:
    strategy_on(account, bought(FUTURE, 1, "101.05"))
    Strategy.objects.update(outdated_since=None)
    assert freeze() == 0
    price("ABCD26FEBFUT", 103.25, ist("2026-02-02 15:29:00"))
    price("ABCD26FEBFUT", 51.50, ist("2026-02-03 09:15:00"))
    supersede("ABCD26FEBFUT")
    assert freeze() == 1
    leg = models.Leg.objects.get()
    assert (leg.frozen_at, leg.frozen_price, leg.lot_size) == (CHANGED, Decimal("103.25"), STOCK_LOT)
    assert "lot 400 became 800" in leg.frozen_reason
    assert Strategy.objects.get().outdated_since == CHANGED
    assert freeze() == 0


def test_a_change_that_has_not_come_yet_and_one_before_the_entry_freeze_nothing(account: TradingAccount) -> None:
    strategy_on(account, bought(FUTURE, 1, "101.05"))
    supersede("ABCD26FEBFUT", date(2026, 2, 3))
    assert freeze() == 0
    assert freeze_changed(now_ms=to_ms(ist("2026-02-04 09:15:00"))) == 1
    models.Leg.objects.all().delete()
    SupersededTerms.objects.update(valid_to=date(2026, 2, 1))
    strategy_on(account, bought(FUTURE, 1, "101.05"))
    assert freeze_changed(now_ms=to_ms(ist("2026-02-04 09:15:00"))) == 0


def test_another_lot_of_an_index_is_no_corporate_action(account: TradingAccount) -> None:
    strategy_on(account)
    for kind in ("CE", "PE"):
        supersede(f"NIFTY26020325700{kind}")
    assert freeze() == 0


def test_a_contract_that_was_withdrawn_freezes_its_legs_without_a_price_where_none_is_known(
    account: TradingAccount,
) -> None:
    strategy_on(account)
    Instrument.objects.filter(tradingsymbol="NIFTY26020325700CE").update(valid_to=date(2026, 2, 2))
    assert freeze() == 1
    leg = models.Leg.objects.order_by("pk")[0]
    assert (leg.frozen_at, leg.frozen_price) == (CHANGED, None)
    state = models.LegState.objects.filter(leg=leg).order_by("-since")[0]
    assert (state.instrument_id, state.since) == (None, int(CHANGED.timestamp()))


def test_a_frozen_leg_is_not_settled_and_goes_on_once_somebody_has_seen_to_it(account: TradingAccount) -> None:
    strategy = strategy_on(account, bought(FUTURE, 2, "101.05"))
    supersede("ABCD26FEBFUT")
    freeze()
    leg = models.Leg.objects.get()
    price("ABCD", 50.0, ist("2026-02-03 15:29:00"))
    after = ist("2026-02-03 15:31:00")
    assert settle_expired(now_ms=to_ms(after)) == 0
    assert unfreeze_legs(leg_ids=[leg.pk], now=NOW) == 1
    assert unfreeze_legs(leg_ids=[leg.pk], now=NOW) == 0
    assert freeze() == 0
    exit_lots(strategy_id=strategy, leg_id=leg.pk, trade=trade(1, "50.00", NOW), now=NOW)
    assert settle_expired(now_ms=to_ms(after)) == 1


def test_legs_are_frozen_by_hand_from_their_last_trade_on(account: TradingAccount) -> None:
    strategy_on(account, bought(option("CE", 25_700), 1, "10"))
    leg = models.Leg.objects.get().pk
    assert freeze_legs(leg_ids=[leg], at=ENTERED - timedelta(hours=1), action="merger") == 1
    assert models.Leg.objects.get().frozen_at == ENTERED
    assert freeze_legs(leg_ids=[leg], at=NOW, action="merger") == 0
