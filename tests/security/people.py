"""The cast, and what they come with: committed once for a module, as the application's own threads see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from accounts import api_keys
from accounts.models import AccountShare, TradingAccount, User
from tests.rig.cast import PASSWORD, access_token

NAMES = ("stranger", "teammate", "owner", "staff")


@dataclass(frozen=True, slots=True)
class Person:
    """A committed user."""

    user: User

    @property
    def token(self) -> str:
        """A fresh access token."""
        return access_token(self.user)

    def account(self, *shared_with: "Person") -> TradingAccount:
        """Make a trading account that others may read."""
        account = TradingAccount.objects.create(owner=self.user, name=token_hex(8), broker="paper")
        for other in shared_with:
            AccountShare.objects.create(account=account, user=other.user)
        return account

    def key(self, *scopes: str, expires_at: datetime | None = None) -> str:
        """Make an API key."""
        return api_keys.create(user=self.user, name="x", scopes=scopes, expires_at=expires_at)[1]

    def session(self) -> str:
        """Sign in to the admin; return the cookie."""
        client = Client()
        client.force_login(self.user)
        return client.cookies["sessionid"].value


People = dict[str, Person]


@pytest.fixture(scope="module")
def people(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[People]:
    """Everybody, for the tests of one module; nothing of them is left behind."""
    with django_db_blocker.unblock():
        try:
            yield {name: Person(_member(name)) for name in NAMES}
        finally:
            _forget()


def _member(name: str) -> User:
    make = User.objects.create_superuser if name == "staff" else User.objects.create_user
    return make(name, password=PASSWORD)


def _forget() -> None:
    from django.contrib.sessions.models import Session
    from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

    from accounts.models import SecurityEvent
    from accounts.standing import standings

    OutstandingToken.objects.all().delete()
    SecurityEvent.objects.all().delete()
    Session.objects.all().delete()
    User.objects.filter(username__in=NAMES).delete()
    standings.forget_all()
    api_keys.keys.forget_all()
