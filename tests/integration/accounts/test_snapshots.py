"""Snapshots: one a session and account, the last one stays; and what the market is asked for."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts import valuation
from accounts.models import AccountSnapshot, TradingAccount, User
from accounts.services.orders import store_updates
from accounts.services.trading import replace_funds, replace_holdings
from accounts.tasks import take_snapshots
from accounts.times import day_of, midnight
from accounts.valuation import Quote
from fo_analytics.models import TradingSession
from fo_analytics.selectors.prices import StoredMarket
from tests.integration.accounts.made import TOKEN, addressed, demo_account, filled
from tradingviz.core.clock import now_ms

MONEY = dict.fromkeys(("cash", "collateral", "used_margin", "available"), Decimal("5.50"))


class Market:
    """A market that says what a test told it."""

    def __init__(self) -> None:
        self.known: dict[int, Quote] = {}
        self.open = True

    def quotes(self, tokens: Any) -> dict[int, Quote]:
        return self.known

    def is_session(self, day: date) -> bool:
        return self.open


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Market:
    """The market."""
    found = Market()
    monkeypatch.setattr(valuation, "_market", [found])
    return found


@pytest.fixture
def account(owner: User) -> TradingAccount:
    """An account that has bought 65 at 100 and sold 130 at 110 today."""
    found = demo_account(owner)
    now = now_ms()
    updates = addressed(filled("1", 65, 100.0, ts=now), filled("2", -130, 110.0, ts=now))
    store_updates(updates=updates, now_ms=now)
    return found


def test_a_snapshot_says_what_the_account_was_and_the_last_of_a_day_stays(
    account: TradingAccount, market: Market
) -> None:
    assert take_snapshots() == 1
    first = AccountSnapshot.objects.get()
    assert (first.realised, first.unrealised, first.unpriced, first.cash) == (Decimal(650), None, 1, None)
    market.known[TOKEN] = Quote(Decimal("108.5"), now_ms())
    names = {"exchange": "NSE", "tradingsymbol": "INFY", "quantity": 3, "average_price": Decimal("1500.05")}
    replace_holdings(account=account, holdings=[names])
    replace_funds(account=account, **MONEY)
    assert take_snapshots() == take_snapshots() == 1
    last = AccountSnapshot.objects.get()
    assert last.time == midnight(day_of(timezone.now()))
    assert (last.unrealised, last.unpriced, last.open_positions, last.orders) == (Decimal("97.50"), 0, 1, 2)
    assert (last.holdings_cost, last.cash) == (Decimal("4500.15"), Decimal("5.50"))


def test_without_a_session_and_of_accounts_that_are_not_active_there_is_none(
    account: TradingAccount, market: Market
) -> None:
    market.open = False
    assert take_snapshots() == 0
    market.open = True
    TradingAccount.objects.update(is_active=False)
    assert take_snapshots() == 0
    assert not AccountSnapshot.objects.exists()


@pytest.mark.django_db
def test_a_session_is_what_the_table_says_and_beyond_its_end_every_weekday() -> None:
    asked = StoredMarket().is_session
    assert [asked(day) for day in (date(2026, 2, 2), date(2026, 2, 1), date(2026, 1, 26))] == [True, True, False]
    last = TradingSession.objects.latest("date").date
    later = [date(last.year + 1, 3, day) for day in range(1, 8)]
    assert [asked(day) for day in later] == [day.weekday() < 5 for day in later]
