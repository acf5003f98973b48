"""A ticker service on loopback and a client of it."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from streaming.ticker.client import TickerClient
from tests.integration.backfill.ticker_service import TickerService, serving


@pytest.fixture
def ticker(settings: Settings) -> Iterator[TickerService]:
    """A ticker service which knows nothing yet; TICKER_SERVICE_URL is its address."""
    with serving() as service:
        settings.TICKER_SERVICE_URL = service.url
        yield service


@pytest.fixture
def client(ticker: TickerService) -> TickerClient:
    """Its client, in a hurry."""
    return TickerClient(ticker.url, timeout=2.0, sleep=lambda seconds: None)
