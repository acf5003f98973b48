"""Two who write at once: no lots are exited twice, no change under one key happens twice, no leg is settled twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from accounts.models import TradingAccount, User
from fo_analytics.domain.calendar import to_ms
from fo_analytics.models import OfficialClose, Underlying
from strategies import models
from strategies.services.settlement import settle_expired
from strategies.services.trades import add_leg, exit_lots
from tests.integration.strategies.listed import (
    NEAR,
    NOW,
    account_of,
    bought,
    ist,
    list_market,
    option,
    strategy_on,
    trade,
)
from tradingviz.core import cache
from tradingviz.core.errors import InvalidRequest

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 4


@pytest.fixture
def account(transactional_db: None, redis_url: str) -> Iterator[TradingAccount]:
    """An account that other connections see, too."""
    cache.forget_all()
    list_market()
    yield account_of(User.objects.create_user("owner"))
    cache.forget_all()


def at_once(act: Callable[[], object]) -> list[object]:
    """Do something in several threads, each with a connection of its own; return what came of it, refusals too."""
    barrier = Barrier(MANY)

    def one() -> object:
        connection.ensure_connection()
        barrier.wait()
        try:
            return act()
        except InvalidRequest as error:
            return error.field
        finally:
            connections.close_all()

    with ThreadPoolExecutor(MANY) as threads:
        return [task.result() for task in [threads.submit(one) for _ in range(MANY)]]


def test_lots_that_several_exit_at_once_are_exited_by_one(account: TradingAccount) -> None:
    strategy = strategy_on(account, bought(option("CE", 25_700), 3, "140"))
    leg = models.Leg.objects.get().pk
    found = at_once(lambda: exit_lots(strategy_id=strategy, leg_id=leg, trade=trade(2, "150", NOW), now=NOW))
    assert sorted(map(str, found)) == sorted([str(leg), *["lots"] * (MANY - 1)])
    assert models.Leg.objects.get().open_lots == 1
    assert models.Fill.objects.filter(direction="exit").count() == 1
    assert models.LegState.objects.count() == 2


def test_a_leg_that_is_asked_for_several_times_at_once_under_one_key_is_one(account: TradingAccount) -> None:
    strategy = strategy_on(account)
    leg = bought(option("CE", 25_800), 1, "90")
    found = at_once(lambda: add_leg(strategy_id=strategy, leg=leg, now=NOW, key="k"))
    assert len(set(found)) == 1
    assert models.Leg.objects.filter(strategy=strategy).count() == 3


def test_legs_that_several_settle_at_once_change_once(account: TradingAccount) -> None:
    for _ in range(3):
        strategy_on(account)
    closes = ist("2026-02-03 15:42:00")
    owner = Underlying.objects.get(symbol="NIFTY")
    OfficialClose.objects.create(underlying=owner, date=NEAR, price=25_727.55, observed_at=closes)
    found = at_once(lambda: settle_expired(now_ms=to_ms(ist("2026-02-03 16:00:00"))))
    assert sorted(map(int, map(str, found))) == [0] * (MANY - 1) + [6]
    assert models.LegState.objects.count() == 12
