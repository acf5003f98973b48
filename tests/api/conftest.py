"""A market for a module, and a signed-in client that asks it."""

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.conf import settings
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts.models import User
from accounts.standing import standings
from fo_analytics.freshness import stored_counts
from tests.api.asking import Asker
from tests.api.market import close_market, forget_everything, open_market
from tests.api.stored import store_market
from tests.api.two_days import open_two_days
from tests.rig.servers import repointed
from tradingviz.core.redis import sync_client
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_redis


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
def ask(owner: User, api_client_for: Callable[[User], APIClient]) -> Asker:
    """Ask as a signed-in user: `ask("/fo/expiries", underlying="NIFTY")`. What is known already stays known."""
    standings.of(owner.pk)
    return Asker(api_client_for(owner))


@pytest.fixture
def nothing_kept(stored_market: None) -> None:
    """No answer is kept from before: what a test asks first is loaded, and what that takes is remembered from there."""
    forget_everything()
    # This process learns that something may have changed, which makes it forget once more.
    stored_counts(sync_client(), "NIFTY", date(2026, 8, 3), date(2026, 8, 3))


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


@pytest.fixture
def empty(db: None, redis_url: str) -> Iterator[None]:
    """Nothing listed, nothing fed, nothing remembered."""
    forget_everything()
    yield
    forget_everything()


@pytest.fixture
def own_redis(programs: Installation, empty: None) -> Iterator[EmbeddedRedis]:
    """A Redis of this test's own, to be stopped."""
    server = throwaway_redis(programs)
    server.start()
    with override_settings(**repointed(settings.REDIS_URL, server.url())):
        forget_everything()
        yield server
    server.stop()
