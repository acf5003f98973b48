"""Strategies in the admin: found, looked at, put to work, frozen; and never more queries for more of them."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import TradingAccount, User
from fo_analytics.domain.calendar import from_ms
from strategies.models import Alert, Leg, Strategy, StrategyCandle
from strategies.selectors.m2m import m2m_documents
from strategies.services.trades import add_leg
from tests.api.market import FIRST, NEAR
from tests.integration.admin.conftest import make_strategy
from tests.integration.strategies.listed import bought, option
from tradingviz.core.clock import now_ms

LIST = "/admin/strategies/strategy/"
pytestmark = pytest.mark.usefixtures("filled")


@pytest.fixture
def account(owner: User) -> TradingAccount:
    """Another account."""
    return TradingAccount.objects.create(owner=owner, name="second", broker="zerodha")


def act(staff: Client, action: str, *pks: int, page: str = LIST) -> list[str]:
    """Run an action; return what the page says."""
    answer = staff.post(page, {"action": action, "_selected_action": list(pks)})
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def shown(staff: Client, **asked: str | int) -> list[int]:
    """Return which strategies a list shows."""
    return sorted(row.pk for row in staff.get(LIST, asked).context["cl"].result_list)


def test_strategies_are_found_by_status_tag_account_and_name(staff: Client, account: TradingAccount) -> None:
    first = Strategy.objects.get().pk
    second = make_strategy(account, active=False)
    Strategy.objects.filter(pk=second).update(tags=["stock"], name="long put")
    assert shown(staff) == [first, second]
    assert shown(staff, status__exact="draft") == [second]
    assert shown(staff, tag="weekly") == [first]
    assert shown(staff, account__id__exact=account.pk) == [second]
    assert shown(staff, q="long") == shown(staff, q="owner") == [second]


def test_a_strategy_shows_its_legs_what_was_traded_and_its_alerts(staff: Client) -> None:
    page = staff.get(f"{LIST}{Strategy.objects.get().pk}/change/").content.decode()
    for text in ("+2 at 140.5000", "at_most", "-1000.00", Leg.objects.get().instrument.tradingsymbol):
        assert text in page


def test_what_is_said_of_a_strategy_is_changed_and_what_was_traded_is_not(staff: Client) -> None:
    row = Strategy.objects.get()
    Strategy.objects.update(outdated_since=None)
    form = {"name": "other", "description": "x", "tags": "a,b", "valuation": "mid", "status": "closed"}
    for inline in ("legs", "alerts"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    assert staff.post(f"{LIST}{row.pk}/change/", form).status_code == 302
    found = Strategy.objects.get()
    assert (found.name, found.tags, found.valuation, found.status) == ("other", ["a", "b"], "mid", "active")
    assert found.outdated_since == from_ms(FIRST)


def test_actions_change_the_status_and_say_what_could_not_be(staff: Client, account: TradingAccount) -> None:
    active, draft = Strategy.objects.get().pk, make_strategy(account, active=False)
    assert act(staff, "pause", active, draft) == [
        "1 paused",
        "short call: a strategy that is draft cannot become paused",
    ]
    assert act(staff, "activate", active, draft)[-1] == "2 active"
    assert set(Strategy.objects.values_list("status", flat=True)) == {"active"}


@pytest.mark.parametrize(("page", "model"), [(LIST, Strategy), ("/admin/strategies/leg/", Leg)])
def test_legs_are_frozen_and_let_go_by_hand(staff: Client, page: str, model: type[Model]) -> None:
    chosen = model._default_manager.get().pk
    assert act(staff, "freeze", chosen, page=page) == ["1 legs frozen"]
    leg = Leg.objects.get()
    assert (leg.frozen_at is not None, "by hand" in leg.frozen_reason) == (True, True)
    assert "by hand" in staff.get(page.replace("strategy/", "leg/")).content.decode()
    assert act(staff, "unfreeze", chosen, page=page) == ["1 legs go on"]
    assert Leg.objects.get().frozen_at is None


def test_all_candles_are_made_again_from_the_first_entry_on(staff: Client) -> None:
    Strategy.objects.update(outdated_since=None)
    act(staff, "recompute", Strategy.objects.get().pk)
    assert Strategy.objects.get().outdated_since == from_ms(FIRST)


def test_a_strategy_that_is_deleted_takes_its_candles_along(staff: Client, account: TradingAccount) -> None:
    first, second = make_strategy(account), make_strategy(account)
    for pk in (first, second):
        values = {"close": 1, "seconds": 1, "partial": False, "from_bars": False}
        StrategyCandle.objects.create(strategy_id=pk, time=from_ms(FIRST), **values)
    assert staff.post(f"{LIST}{first}/delete/", {"post": "yes"}).status_code == 302
    assert list(StrategyCandle.objects.values_list("strategy_id", flat=True)) == [second]
    staff.post(LIST, {"action": "delete_selected", "_selected_action": [second], "post": "yes"})
    assert not StrategyCandle.objects.exists()


@pytest.mark.parametrize("model", [Strategy, Leg, Alert])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    staff: Client, account: TradingAccount, model: type[Model]
) -> None:
    page = f"/admin/strategies/{model._meta.model_name}/"
    few, few_queries = rows_and_queries(staff, page)
    for _ in range(5):
        make_strategy(account)
    many, many_queries = rows_and_queries(staff, page)
    assert few == 1 < many
    assert many_queries <= few_queries


def test_a_strategy_of_many_legs_takes_as_many_queries_as_one_of_few(staff: Client) -> None:
    strategy = Strategy.objects.get().pk
    page = f"{LIST}{strategy}/change/"
    with CaptureQueriesContext(connection) as few:
        staff.get(page)
    for strike in (24_900, 25_100, 25_200):
        add_leg(
            strategy_id=strategy, leg=bought(option("CE", strike, NEAR), 1, "9", from_ms(FIRST)), now=from_ms(FIRST)
        )
    with CaptureQueriesContext(connection) as many:
        staff.get(page)
    assert len(many) <= len(few)


def rows_and_queries(staff: Client, page: str) -> tuple[int, int]:
    """Return how many rows a list shows, and how many queries it took."""
    with CaptureQueriesContext(connection) as queries:
        answer = staff.get(page)
    return len(answer.context["cl"].result_list), len(queries)


def test_a_strategy_shows_what_it_is_worth_now_and_a_line_of_where_it_was(staff: Client) -> None:
    strategy = Strategy.objects.get()
    now = from_ms(now_ms() - now_ms() % 60_000)
    closes = {3: 100_00, 2: 250_00, 1: -50_00}
    for minutes, close in closes.items():
        StrategyCandle.objects.create(
            strategy=strategy, time=now - timedelta(minutes=minutes), open=close, high=close, low=close, close=close,
            seconds=60, partial=False, from_bars=False,
        )  # fmt: skip
    (document,) = m2m_documents(strategy_ids=[strategy.pk], now_ms=now_ms()).values()
    told = f"{document['value']}{'*' if document['partial'] else ''} ({document['realised']} realised)"
    for page in (LIST, f"{LIST}{strategy.pk}/change/"):
        text = staff.get(page).content.decode()
        assert told in text
        assert "100.00 to -50.00" in text
        assert text.count("<polyline") == 1
