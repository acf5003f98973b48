"""Servers that are not there."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from tests.api.market import forget_everything
from tests.rig.servers import repointed
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.redis import EmbeddedRedis


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
    held, nowhere = connections["default"], {"HOST": "127.0.0.1", "PORT": free_port()}
    broken = connections.create_connection("default")
    broken.settings_dict = {**held.settings_dict, **nowhere}
    connections["default"] = broken
    # Threads make connections of their own from these.
    named = dict(connections.settings["default"])
    connections.settings["default"].update(nowhere)
    with django_db_blocker.unblock():
        yield
    connections["default"] = held
    connections.settings["default"].update(named)
