"""Every test here starts with no guesses counted."""

import pytest
from rest_framework.test import APIClient

from tests.api.asking import Asker
from tests.api.conftest import without_database as without_database  # a fixture of theirs
from tests.api.market import forget_everything


@pytest.fixture(autouse=True)
def nothing_counted(redis_url: str) -> None:
    """Redis is empty, and so are the counts of guesses."""
    forget_everything()


@pytest.fixture
def anybody(db: None) -> Asker:
    """Somebody without credentials."""
    return Asker(APIClient())
