"""Strategies: made at once or not at all, and from status to status."""

from datetime import timedelta

import pytest
from django.http import Http404

from accounts.models import TradingAccount
from strategies import models
from strategies.models import Strategy
from strategies.services.strategies import Closing, change_status, delete_strategy, update_strategy
from strategies.services.trades import add_leg, exit_lots
from tests.integration.strategies.listed import ENTERED, NOW, bought, option, sold, strategy_on, trade
from tradingviz.core.errors import InvalidRequest

LATER = NOW + timedelta(hours=1)


def outdated() -> object:
    """Return since when the only strategy's candles are outdated."""
    return Strategy.objects.get().outdated_since


def settled() -> None:
    """Let the candles be made."""
    Strategy.objects.update(outdated_since=None)


def test_a_strategy_is_made_with_all_its_legs_or_not_at_all(account: TradingAccount) -> None:
    legs = (sold(option("CE", 25_700), 1, "140"), sold(option("CE", 25_777), 1, "140"))
    with pytest.raises(InvalidRequest) as refused:
        strategy_on(account, *legs)
    assert refused.value.field == "legs.1.strike"
    assert "25800.00" in refused.value.valid
    assert (Strategy.objects.count(), models.Leg.objects.count()) == (0, 0)


def test_an_account_that_is_not_active_takes_no_strategy(account: TradingAccount) -> None:
    account.is_active = False
    with pytest.raises(InvalidRequest, match="not active"):
        strategy_on(account)


def test_a_strategy_goes_from_draft_to_active_to_paused_and_back(account: TradingAccount) -> None:
    strategy = strategy_on(account, active=False)
    settled()
    change_status(strategy_id=strategy, status="active", now=NOW)
    assert outdated() == ENTERED
    settled()
    change_status(strategy_id=strategy, status="paused", now=NOW)
    assert (outdated(), Strategy.objects.get().paused_at) == (None, NOW)
    change_status(strategy_id=strategy, status="active", now=LATER)
    assert (outdated(), Strategy.objects.get().paused_at) == (NOW, None)


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ((), "paused"),
        ((), "closed"),
        (("active",), "draft"),
        (("active", "paused"), "draft"),
    ],
)
def test_no_other_way_leads_anywhere(account: TradingAccount, path: tuple[str, ...], last: str) -> None:
    strategy = strategy_on(account, active=False)
    for status in path:
        change_status(strategy_id=strategy, status=status, now=NOW)
    with pytest.raises(InvalidRequest) as refused:
        change_status(strategy_id=strategy, status=last, now=NOW)
    assert refused.value.field == "status"
    assert last not in refused.value.valid


def test_the_status_it_has_already_changes_nothing(account: TradingAccount) -> None:
    strategy = strategy_on(account)
    settled()
    before = Strategy.objects.values().get()
    change_status(strategy_id=strategy, status="active", now=LATER)
    assert Strategy.objects.values().get() == before


def test_a_strategy_without_legs_is_not_put_to_work(account: TradingAccount) -> None:
    strategy = strategy_on(account, active=False)
    models.Leg.objects.all().delete()
    with pytest.raises(InvalidRequest, match="without legs"):
        change_status(strategy_id=strategy, status="active", now=NOW)


def test_what_is_open_keeps_a_strategy_from_being_closed(account: TradingAccount) -> None:
    strategy = strategy_on(account)
    call, put = models.Leg.objects.order_by("pk").values_list("pk", flat=True)
    with pytest.raises(InvalidRequest, match=f"{call}, {put}"):
        change_status(strategy_id=strategy, status="closed", now=NOW)
    half = [Closing(leg_id=call, trade=trade(2, "130", NOW))]
    with pytest.raises(InvalidRequest, match=f"legs are open: {put};"):
        change_status(strategy_id=strategy, status="closed", now=NOW, closing=half)
    assert models.Fill.objects.count() == 2  # the one of the call went with the rest
    whole = [*half, Closing(leg_id=put, trade=trade(2, "110", NOW))]
    change_status(strategy_id=strategy, status="closed", now=LATER, closing=whole)
    found = Strategy.objects.get()
    assert (found.status, found.closed_at) == ("closed", LATER)
    assert not models.Leg.objects.filter(open_lots__gt=0).exists()


def test_exits_that_close_are_those_of_this_strategy(account: TradingAccount) -> None:
    strategy, other = strategy_on(account), strategy_on(account)
    theirs = models.Leg.objects.filter(strategy=other).values_list("pk", flat=True)[0]
    closing = [Closing(leg_id=theirs, trade=trade(2, "130", NOW))]
    with pytest.raises(InvalidRequest) as refused:
        change_status(strategy_id=strategy, status="closed", now=NOW, closing=closing)
    assert refused.value.field == "exits.0.leg"


def test_nothing_is_traded_in_a_closed_strategy(account: TradingAccount) -> None:
    strategy = strategy_on(account, bought(option("CE", 25_700), 1, "140"))
    leg = models.Leg.objects.get()
    exit_lots(strategy_id=strategy, leg_id=leg.pk, trade=trade(1, "150", NOW), now=NOW)
    change_status(strategy_id=strategy, status="closed", now=NOW)
    with pytest.raises(InvalidRequest, match="closed"):
        add_leg(strategy_id=strategy, leg=bought(option("CE", 25_700), 1, "140"), now=NOW)


def test_another_valuation_makes_all_candles_outdated_and_another_name_none(account: TradingAccount) -> None:
    strategy = strategy_on(account)
    settled()
    update_strategy(strategy_id=strategy, name="other", tags=["b"], valuation="last")
    assert outdated() is None
    update_strategy(strategy_id=strategy, valuation="mid")
    assert outdated() == ENTERED
    found = Strategy.objects.get()
    assert (found.name, found.tags, found.valuation) == ("other", ["b"], "mid")


def test_a_strategy_that_is_removed_takes_its_candles_along_and_nobody_elses(account: TradingAccount) -> None:
    strategy, other = strategy_on(account), strategy_on(account)
    for pk in (strategy, other):
        models.StrategyCandle.objects.create(
            strategy_id=pk, time=NOW, close=1, seconds=1, partial=False, from_bars=False
        )
    delete_strategy(strategy_id=strategy)
    assert list(models.StrategyCandle.objects.values_list("strategy_id", flat=True)) == [other]
    assert set(models.LegState.objects.values_list("strategy_id", flat=True)) == {other}
    with pytest.raises(Http404):
        delete_strategy(strategy_id=strategy)
