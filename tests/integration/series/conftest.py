"""The market is stored once for all tests of a module: they only read."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from tests.integration.series import market
from tradingviz.core.cache import forget_all


@pytest.fixture(scope="module")
def stored(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The market, stored once for the module: its tests only read."""
    forget_all()
    with django_db_blocker.unblock():
        try:
            market.open_market()
            yield
        finally:
            call_command("flush", verbosity=0, interactive=False)
            forget_all()
