"""Whatever changes what is held says so, once it is committed and not before; what does not says nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import TradingAccount
from fo_analytics import held
from fo_analytics.domain.calendar import to_ms
from fo_analytics.models import OfficialClose, Underlying
from strategies import models
from strategies.services.corporate_actions import freeze_legs, unfreeze_legs
from strategies.services.settlement import settle_expired
from strategies.services.strategies import change_status, delete_strategy, update_strategy
from strategies.services.trades import delete_leg
from tests.integration.strategies.listed import ENTERED, NEAR, NOW, ist, strategy_on
from tradingviz.core.redis import shared_client

EXPIRED = ist("2026-02-03 15:30:00")


def activate(strategy: int) -> None:
    """Put it to work."""
    change_status(strategy_id=strategy, status="active", now=NOW)


def revalue(strategy: int) -> None:
    """Value it by the mid."""
    update_strategy(strategy_id=strategy, valuation="mid")


def rename(strategy: int) -> None:
    """Call it something else."""
    update_strategy(strategy_id=strategy, name="other")


def remove(strategy: int) -> None:
    """Remove it."""
    delete_strategy(strategy_id=strategy)


def remove_leg(strategy: int) -> None:
    """Take a leg out."""
    delete_leg(strategy_id=strategy, leg_id=legs()[0])


def freeze(strategy: int) -> None:
    """Let its legs stand still."""
    freeze_legs(leg_ids=legs(), at=ENTERED, action="by hand")


def unfreeze(strategy: int) -> None:
    """Let legs go on, of which none stands still."""
    unfreeze_legs(leg_ids=legs(), now=NOW)


def settle(strategy: int) -> None:
    """Settle its legs."""
    owner = Underlying.objects.get(symbol="NIFTY")
    OfficialClose.objects.create(underlying=owner, date=NEAR, price=25_727.55, observed_at=EXPIRED)
    settle_expired(now_ms=to_ms(EXPIRED + timedelta(hours=1)))


def legs() -> list[int]:
    """Return the keys of all legs."""
    return list(models.Leg.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("change", "noted"),
    [
        (activate, True),
        (revalue, True),
        (rename, False),
        (remove, True),
        (remove_leg, True),
        (freeze, True),
        (unfreeze, False),
        (settle, True),
    ],
)
def test_a_change_of_what_is_held_is_noted_on_commit(
    account: TradingAccount,
    change: Callable[[int], None],
    noted: bool,
    django_capture_on_commit_callbacks: pytest.FixtureRequest,
) -> None:
    strategy = strategy_on(account, active=False)
    before = held.held_version(shared_client())
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        change(strategy)
        assert held.held_version(shared_client()) == before
    assert (held.held_version(shared_client()) > before) is noted
