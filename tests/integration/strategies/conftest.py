"""A market to trade in, and an account to trade on."""

import pytest

from accounts.models import TradingAccount, User
from tests.integration.strategies.listed import account_of, list_market
from tradingviz.core import cache


@pytest.fixture
def account(owner: User, redis_url: str) -> TradingAccount:
    """The owner's account; contracts are listed, and nothing is live."""
    cache.forget_all()
    list_market()
    return account_of(owner)
