"""The cast at the strategies: an owner of an account, a teammate it is shared with, a stranger."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AccountShare, TradingAccount, User
from tests.api.asking import Answer, answer_of
from tests.api.market import forget_everything
from tests.integration.strategies.listed import account_of, list_market

AT = "2026-02-02T09:30:00+05:30"
LATER = "2026-02-02T10:30:00+05:30"
CALL = {"underlying": "NIFTY", "kind": "CE", "expiry": "2026-02-03", "strike": "25700", "side": "SELL", "at": AT}
PUT = CALL | {"kind": "PE"}
STRADDLE = [CALL | {"lots": 2, "price": "140.50"}, PUT | {"lots": 2, "price": "120.25"}]


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody's client; answers are read strictly."""

    client: APIClient

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Ask; a body is JSON."""
        act = getattr(self.client, method.lower())
        if method in ("GET", "DELETE"):
            response = act(path, body)
        else:
            response = act(path, body, format="json", **headers)
        return answer_of(response) if response.content else Answer(response.status_code, {}, response.headers)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who asks, and the account it is about."""

    owner: Client
    teammate: Client
    stranger: Client
    account: TradingAccount

    def make(self, **body: Any) -> dict[str, Any]:
        """Have the owner make a strategy, active and of a straddle where nothing else is said."""
        wanted = {"account": self.account.pk, "name": "straddle", "status": "active", "legs": STRADDLE} | body
        answer = self.owner("POST", "/strategies", wanted)
        assert answer.status == 201, answer.body
        return answer.body


@pytest.fixture
def cast(
    owner: User, teammate: User, stranger: User, api_client_for: Callable[[User], APIClient], redis_url: str
) -> Cast:
    """The cast, with contracts that are listed."""
    forget_everything()
    list_market()
    account = account_of(owner)
    AccountShare.objects.create(account=account, user=teammate)
    first, second, third = (Client(api_client_for(user)) for user in (owner, teammate, stranger))
    return Cast(first, second, third, account)
