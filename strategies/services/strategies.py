"""Strategies: made, changed, put to work, closed, removed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.shortcuts import get_object_or_404

from accounts.models import TradingAccount
from strategies import models
from strategies.models import Strategy
from strategies.services.fills import Trade
from strategies.services.held import note_held
from strategies.services.legs import note_outdated
from strategies.services.trades import EXIT, NewLeg, open_leg, record
from tradingviz.core.errors import InvalidRequest, naming

Status = Strategy.Status
MOST_STRATEGIES = 2_000
# From each status, those that may follow.
NEXT: Mapping[str, Collection[str]] = {
    Status.DRAFT: (Status.ACTIVE,),
    Status.ACTIVE: (Status.PAUSED, Status.CLOSED),
    Status.PAUSED: (Status.ACTIVE, Status.CLOSED),
    Status.CLOSED: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A trade that closes a leg."""

    leg_id: int
    trade: Trade


@transaction.atomic
def create_strategy(
    *, account: TradingAccount, legs: Sequence[NewLeg], activate: bool, now: datetime, **fields: Any
) -> int:
    """Make a strategy with its legs, all or nothing; return its id. `fields`: name, description, tags, valuation.

    Raises InvalidRequest; what concerns a leg has `legs.<place>` before its field.
    """
    if not account.is_active:
        raise InvalidRequest("the account is not active", field="account")
    if account.strategies.count() >= MOST_STRATEGIES:
        raise InvalidRequest(f"at most {MOST_STRATEGIES} strategies on an account", field="account")
    strategy = Strategy.objects.create(account=account, **fields)
    for place, leg in enumerate(legs):
        with naming(f"legs.{place}"):
            open_leg(strategy=strategy, leg=leg, now=now)
    if activate:
        change_status(strategy_id=strategy.pk, status=Status.ACTIVE, now=now)
    return strategy.pk


@transaction.atomic
def update_strategy(*, strategy_id: int, **fields: Any) -> None:
    """Change name, description, tags or valuation. Another valuation makes all candles outdated."""
    strategy = get_object_or_404(Strategy.objects.select_for_update(), pk=strategy_id)
    revalued = fields.get("valuation", strategy.valuation) != strategy.valuation
    for name, value in fields.items():
        setattr(strategy, name, value)
    strategy.save(update_fields=[*fields, "updated_at"])
    if not revalued:
        return
    note_held()
    if (first := first_entry(strategy_id=strategy_id)) is not None:
        note_outdated(strategy_id=strategy_id, since=first)


def first_entry(*, strategy_id: int) -> datetime | None:
    """Return when the first leg of a strategy was entered."""
    found: datetime | None = models.Fill.objects.filter(leg__strategy=strategy_id).aggregate(first=Min("at"))["first"]
    return found


@transaction.atomic
def change_status(*, strategy_id: int, status: str, now: datetime, closing: Sequence[Closing] = ()) -> None:
    """Activate, pause or close a strategy; the status it has already changes nothing.

    To be closed, nothing may be open once the trades of `closing` are stored. Raises InvalidRequest.
    """
    strategy = get_object_or_404(Strategy.objects.select_for_update(), pk=strategy_id)
    if strategy.status == status:
        return
    if status not in NEXT[strategy.status]:
        valid = [str(one) for one in NEXT[strategy.status]]
        raise InvalidRequest(
            f"a strategy that is {strategy.status} cannot become {status}", field="status", valid=valid
        )
    if status == Status.ACTIVE:
        _activate(strategy)
    if status == Status.CLOSED:
        _close_legs(strategy, closing, now)
    stamps = {
        "paused_at": now if status == Status.PAUSED else None,
        "closed_at": now if status == Status.CLOSED else None,
    }
    Strategy.objects.filter(pk=strategy.pk).update(status=status, updated_at=now, **stamps)
    note_held()


def _activate(strategy: Strategy) -> None:
    """Have the candles made that were not while nobody looked."""
    first = first_entry(strategy_id=strategy.pk)
    if first is None:
        raise InvalidRequest("a strategy without legs cannot be active", field="status")
    since = strategy.paused_at if strategy.status == Status.PAUSED else None
    note_outdated(strategy_id=strategy.pk, since=since or first)


def _close_legs(strategy: Strategy, closing: Sequence[Closing], now: datetime) -> None:
    mine = set(strategy.legs.values_list("pk", flat=True))
    for place, one in enumerate(closing):
        if one.leg_id not in mine:
            raise InvalidRequest("the strategy has no such leg", field=f"exits.{place}.leg")
        with naming(f"exits.{place}"):
            record(leg_id=one.leg_id, direction=EXIT, trade=one.trade, now=now)
    still_open = strategy.legs.filter(open_lots__gt=0).values_list("pk", flat=True)
    if still := [str(pk) for pk in still_open]:
        raise InvalidRequest(f"legs are open: {', '.join(still)}; give `exits` that close them", field="status")


@transaction.atomic
def delete_strategy(*, strategy_id: int) -> None:
    """Remove a strategy with its legs, candles and alerts."""
    strategy = get_object_or_404(Strategy.objects.select_for_update(), pk=strategy_id)
    strategy.delete()
    note_held()
