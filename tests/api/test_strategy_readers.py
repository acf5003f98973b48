"""Who sees the analysis of a strategy: its owner, a teammate; a stranger cannot tell it from none."""

from collections.abc import Callable

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.models import AccountShare, User
from tests.api.asking import PROBLEM, strict_json
from tests.api.strategies_made import short_straddle, strategy_of

pytestmark = pytest.mark.usefixtures("market")
Clients = Callable[[User], APIClient]
NOBODYS = 2**40
QUESTIONS = [
    ("get", "payoff"), ("post", "payoff"), ("get", "scenario"), ("post", "scenario"), ("get", "greeks"),
    ("get", "statistics"),
]  # fmt: skip


def ask(client: APIClient, method: str, question: str, pk: int) -> Response:
    """Ask about a strategy."""
    answer: Response = getattr(client, method)(f"/strategies/{pk}/{question}", format="json")
    return answer


@pytest.mark.parametrize(("method", "question"), QUESTIONS)
def test_owner_and_teammate_read_and_a_stranger_finds_nothing(
    owner: User, teammate: User, stranger: User, api_client_for: Clients, method: str, question: str
) -> None:
    strategy = strategy_of(owner, shared_with=teammate)
    short_straddle(strategy)
    seen = [ask(api_client_for(user), method, question, strategy.pk) for user in (owner, teammate)]
    assert [answer.status_code for answer in seen] == [200, 200]
    assert seen[0].content == seen[1].content
    client = api_client_for(stranger)
    hidden, none = (ask(client, method, question, pk) for pk in (strategy.pk, NOBODYS))
    assert (hidden.status_code, hidden.content, hidden["Content-Type"]) == (404, none.content, PROBLEM)


@pytest.mark.parametrize(("method", "question"), QUESTIONS)
def test_a_share_that_was_taken_away_shows_nothing(
    owner: User, teammate: User, api_client_for: Clients, method: str, question: str
) -> None:
    strategy = strategy_of(owner, shared_with=teammate)
    AccountShare.objects.all().delete()
    assert ask(api_client_for(teammate), method, question, strategy.pk).status_code == 404


@pytest.mark.parametrize("pk", [2**63, 10**30, 0])
def test_a_number_that_is_no_key_is_not_there(owner: User, api_client_for: Clients, pk: int) -> None:
    for method, question in QUESTIONS:
        assert ask(api_client_for(owner), method, question, pk).status_code == 404


def test_a_key_needs_the_scope_of_strategies(owner: User) -> None:
    strategy = strategy_of(owner)
    for scope, expected in (("strategies", 200), ("market", 403), ("accounts", 403)):
        _, key = api_keys.create(user=owner, name=scope, scopes=(scope,), expires_at=None)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        answer = ask(client, "get", "greeks", strategy.pk)
        assert answer.status_code == expected, strict_json(answer.content)
