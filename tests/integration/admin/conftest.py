"""The admin as staff, as a user who is not staff, and as nobody; and one row of everything that is registered."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from pytest_django.plugin import DjangoDbBlocker
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts import api_keys
from accounts.models import SecurityEvent, TradingAccount, User
from accounts.principal import SCOPES
from accounts.services.orders import store_updates
from accounts.services.trading import replace_funds, replace_holdings
from accounts.tokens import RefreshToken
from fo_analytics.domain.calendar import from_ms
from fo_analytics.models import Instrument, MasterImport, OfficialClose, Repair, SupersededTerms, Underlying
from fo_analytics.services.coverage import refresh_coverage
from strategies.domain.alerts import Condition
from strategies.domain.legs import Side
from strategies.selectors.instruments import Named
from strategies.services.alerts import create_alert
from strategies.services.fills import Trade
from strategies.services.strategies import create_strategy
from strategies.services.trades import NewLeg
from tests.api.market import FIRST, NEAR, close_market, feed, snapshot
from tests.integration.accounts import made
from tradingviz.beat import seed
from tradingviz.quickstart.redis import EmbeddedRedis

SCHEDULES = (CrontabSchedule, IntervalSchedule, SolarSchedule, ClockedSchedule)
MONDAY = date(2026, 2, 2)


@pytest.fixture
def staff(db: None) -> Client:
    """A browser of staff who may do everything."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("staff"))
    return browser


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    """Return a function that makes a browser of a user."""

    def sign_in(user: User) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return sign_in


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_server: EmbeddedRedis) -> Iterator[None]:
    """At least one row of every registered model, made by the parts that make them, for one module."""
    with django_db_blocker.unblock():
        try:
            _fill()
            yield
        finally:
            _empty()


def _fill() -> None:
    _empty()
    feed([snapshot(FIRST)])
    refresh_coverage(first=MONDAY, last=MONDAY)
    close = {"date": MONDAY, "price": 25_000.0, "observed_at": from_ms(FIRST)}
    OfficialClose.objects.create(underlying=Underlying.objects.get(), **close)
    SupersededTerms.objects.create(
        instrument=Instrument.objects.all()[0], valid_to=MONDAY, lot_size=75, tick_size="0.05"
    )
    stamps = dict.fromkeys(("first_minute", "last_minute", "asked_at", "due_at"), from_ms(FIRST))
    Repair.objects.create(underlying=Underlying.objects.get(), **stamps)
    MasterImport.objects.create(as_of=MONDAY, markets="NFO", added=1, changed=0, expired=0)
    Group.objects.create(name="analysts")
    make_schedules()
    somebody = User.objects.create_user("somebody")
    RefreshToken.for_user(somebody).blacklist()
    api_keys.create(user=somebody, name="report", scopes=SCOPES, expires_at=None)
    fill_account(made.demo_account(somebody))
    SecurityEvent.objects.create(kind=SecurityEvent.Kind.SIGNED_IN, user=somebody, username="somebody")
    make_strategy(TradingAccount.objects.create(owner=somebody, name="main", broker="zerodha"))


def make_schedules() -> None:
    """Make the system jobs, and a schedule of each kind."""
    from tradingviz.celery import app

    seed(app.conf.beat_schedule)
    CrontabSchedule.objects.create(minute="0", hour="16")
    SolarSchedule.objects.create(event="sunset", latitude="19.0760", longitude="72.8777")
    ClockedSchedule.objects.create(clocked_time=from_ms(FIRST))


def make_strategy(account: TradingAccount, *, active: bool = True) -> int:
    """Make a strategy of a leg, with an alert."""
    named = Named(underlying="NIFTY", kind="CE", expiry=str(NEAR), strike=Decimal(25_000))
    trade = Trade(lots=2, price=Decimal("140.50"), at=from_ms(FIRST))
    leg = NewLeg(named=named, side=Side.SELL, trade=trade)
    fields: dict[str, Any] = {"description": "", "tags": ["weekly"], "valuation": "last"}
    made = create_strategy(
        account=account, name="short call", legs=[leg], activate=active, now=from_ms(FIRST), **fields
    )
    create_alert(strategy_id=made, condition=Condition.AT_MOST, threshold=Decimal(-1000), now=from_ms(FIRST))
    return made


def fill_account(account: TradingAccount) -> None:
    """Put an order, a position, a holding and funds into an account."""
    bought = made.filled("1", 65, 100.0, account=account.pk, token=account.pk)
    store_updates(updates=made.addressed(bought), now_ms=made.START + 60_000)
    names = {"exchange": "NSE", "tradingsymbol": "INFY", "quantity": 1, "average_price": Decimal(1_500)}
    replace_holdings(account=account, holdings=[names])
    replace_funds(account=account, **dict.fromkeys(("cash", "collateral", "used_margin", "available"), Decimal(1)))


def _empty() -> None:
    close_market()
    for model in (PeriodicTask, *SCHEDULES, OutstandingToken, SecurityEvent, User, Group, MasterImport):
        model._default_manager.all().delete()


def registered() -> list[type[Model]]:
    """Return every model that the admin shows."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label)
