"""Commands of trading accounts: the demo accounts, and a new key for what is secret."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.encryption import Unreadable, decrypt
from accounts.models import TradingAccount, User
from accounts.services.trading import create_account
from tradingviz.quickstart.simulator.orders import ACCOUNTS

OLD, NEW = "an-old-key-0123456789", "a-new-key-0123456789"


@pytest.mark.django_db
def test_the_demo_user_owns_the_accounts_whose_orders_the_simulator_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "correct horse battery")
    for _ in range(2):
        call_command("demo_user", stdout=StringIO())
    owned = TradingAccount.objects.filter(owner__username="demo")
    assert tuple(owned.values_list("feed_code", flat=True)) == ACCOUNTS


@pytest.mark.django_db
def test_a_demo_account_that_was_given_away_stays_where_it_is(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "correct horse battery")
    account, _ = create_account(owner_id=owner.pk, name="mine", broker="paper")
    TradingAccount.objects.update(feed_code=ACCOUNTS[0])
    call_command("demo_user", stdout=StringIO())
    assert TradingAccount.objects.get(feed_code=ACCOUNTS[0]) == account


def test_after_a_rotation_the_old_key_is_needed_no_more(owner: User, settings: Settings) -> None:
    settings.CREDENTIALS_KEY, settings.CREDENTIALS_PREVIOUS_KEYS = OLD, []
    _, secret = create_account(owner_id=owner.pk, name="main", broker="x", credentials={"api_key": "k-1"})
    create_account(owner_id=owner.pk, name="other", broker="x")
    settings.CREDENTIALS_KEY, settings.CREDENTIALS_PREVIOUS_KEYS = NEW, [OLD]
    call_command("rotate_credentials", stdout=StringIO())
    settings.CREDENTIALS_PREVIOUS_KEYS = []
    account = TradingAccount.objects.get(name="main")
    assert decrypt(account.postback_secret) == secret
    assert "k-1" in decrypt(account.credentials)
    assert TradingAccount.objects.get(name="other").credentials == ""


def test_a_rotation_without_the_key_of_one_secret_changes_none(owner: User, settings: Settings) -> None:
    for key, name in ((OLD, "first"), (NEW, "second")):
        settings.CREDENTIALS_KEY, settings.CREDENTIALS_PREVIOUS_KEYS = key, []
        create_account(owner_id=owner.pk, name=name, broker="x")
    before = list(TradingAccount.objects.values_list("postback_secret", flat=True))
    with pytest.raises(CommandError, match="CREDENTIALS_KEY"):
        call_command("rotate_credentials")
    assert list(TradingAccount.objects.values_list("postback_secret", flat=True)) == before
    with pytest.raises(Unreadable):
        decrypt(before[0])
