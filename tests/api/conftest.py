"""A market for a module, and a signed-in client that asks it."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

from accounts.models import User
from tests.api.asking import Asker
from tests.api.market import close_market, forget_everything, open_market
from tests.api.stored import store_market
from tests.rig.servers import repointed
from tradingviz.quickstart.preflight import free_port
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


@pytest.fixture
def ask(owner: User, api_client_for: Callable[[User], APIClient]) -> Asker:
    """Ask as a signed-in user: `ask("/fo/expiries", underlying="NIFTY")`."""
    return Asker(api_client_for(owner))


@pytest.fixture
def without_redis(redis_server: EmbeddedRedis) -> Iterator[None]:
    """REDIS_URL points to where nobody listens."""
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    with override_settings(**repointed(settings.REDIS_URL, nowhere)):
        forget_everything()
        yield
    forget_everything()


@pytest.fixture
def without_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker, redis_url: str) -> Iterator[None]:
    """The database's address is one where nobody listens."""
    forget_everything()
    held = connections["default"]
    broken = connections.create_connection("default")
    broken.settings_dict = {**held.settings_dict, "HOST": "127.0.0.1", "PORT": free_port()}
    connections["default"] = broken
    with django_db_blocker.unblock():
        yield
    connections["default"] = held


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
