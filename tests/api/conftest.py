"""A market for a module, and a signed-in client that asks it."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts import standing
from accounts.models import User
from tests.api.asking import Asker
from tests.api.market import close_market, open_market
from tests.api.stored import store_market
from tests.api.two_days import open_two_days
from tradingviz.quickstart.redis import EmbeddedRedis


@pytest.fixture(scope="module")
def market(django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_server: EmbeddedRedis) -> Iterator[None]:
    """The market of market.py, committed for the tests of one module; nothing of it is left behind."""
    with django_db_blocker.unblock():
        try:
            close_market()
            open_market()
            yield
        finally:
            close_market()


@pytest.fixture(scope="module")
def two_days(django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_server: EmbeddedRedis) -> Iterator[None]:
    """The market of two_days.py, as `market` is that of market.py."""
    with django_db_blocker.unblock():
        try:
            close_market()
            open_two_days()
            yield
        finally:
            close_market()


@pytest.fixture
def ask(owner: User, api_client_for: Callable[[User], APIClient], monkeypatch: pytest.MonkeyPatch) -> Asker:
    """Ask as a signed-in user: `ask("/fo/expiries", underlying="NIFTY")`. The user is known already, and stays so."""
    monkeypatch.setattr(standing, "REMEMBERED_S", 3_600.0)
    standing.standings.of(owner.pk)
    return Asker(api_client_for(owner))


@pytest.fixture(scope="module")
def stored_market(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_server: EmbeddedRedis
) -> Iterator[None]:
    """The market of stored.py, committed for the tests of one module; nothing of it is left behind."""
    with django_db_blocker.unblock():
        try:
            close_market()
            store_market()
            yield
        finally:
            close_market()
