"""The cast, and what they come with: committed once for a module, as the application's own threads see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from secrets import token_hex

import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from accounts import api_keys
from accounts.models import AccountShare, TradingAccount, User
from fo_analytics.models import Instrument, Underlying
from strategies.models import Alert, Fill, Leg, Strategy
from strategies.services.legs import note_change
from tests.rig.cast import PASSWORD, access_token

ENTERED = datetime(2026, 2, 2, 4, 30, tzinfo=UTC)
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

    def strategy(self, *shared_with: "Person") -> dict[str, str]:
        """Make a strategy of a leg with an alert, on an account that others may read; return their keys."""
        account = self.account(*shared_with)
        strategy = Strategy.objects.create(account=account, name=token_hex(8))
        leg = Leg.objects.create(strategy=strategy, instrument=_contract(), side="SELL", lot_size=65, open_lots=1)
        Fill.objects.create(leg=leg, direction="entry", lots=1, price=Decimal(100), at=ENTERED)
        note_change(leg_id=leg.pk, since=ENTERED)
        alert = Alert.objects.create(strategy=strategy, condition="at_least", threshold=Decimal(0), since=ENTERED)
        return {"pk": str(strategy.pk), "leg": str(leg.pk), "alert": str(alert.pk)}

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


def _contract() -> Instrument:
    """An option that everybody's strategies are of."""
    underlying, _ = Underlying.objects.get_or_create(symbol="NIFTY", exchange="NSE")
    terms = {"expiry": date(2026, 2, 3), "strike": Decimal(25_000), "kind": "CE", "underlying": underlying}
    found, _ = Instrument.objects.get_or_create(token=987_654, defaults={**terms, "lot_size": 65})
    return found


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
    Instrument.objects.all().delete()
    Underlying.objects.all().delete()
    standings.forget_all()
    api_keys.keys.forget_all()
