"""Every test here starts with no guesses counted."""

import pytest
from rest_framework.test import APIClient

from tests.api.asking import Asker
from tests.api.conftest import stored_market as stored_market
from tests.api.market import forget_everything
from tests.security.people import people as people


@pytest.fixture(autouse=True)
def nothing_counted(redis_url: str) -> None:
    """Redis is empty, and so are the counts of guesses."""
    forget_everything()


@pytest.fixture
def anybody(db: None) -> Asker:
    """Somebody without credentials."""
    return Asker(APIClient())
