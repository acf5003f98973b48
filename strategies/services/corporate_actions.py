"""Freezing legs whose contracts a corporate action changed; a person lets them go on."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from fo_analytics.domain.calendar import from_ms, ist_date
from strategies import models
from strategies.domain.legs import LegError
from strategies.domain.settlement import freeze_for_corporate_action
from strategies.selectors.changed_terms import changed_legs, last_prices
from strategies.selectors.legs import leg_of, stored_legs
from strategies.services.legs import store_ends

logger = logging.getLogger(__name__)


def freeze_changed(*, now_ms: int) -> int:
    """Freeze open legs whose contracts the master says are other ones now; return how many. Safe to repeat."""
    now = from_ms(now_ms)
    changed = [one for one in changed_legs() if one.since <= now]
    return sum(freeze_legs(leg_ids=[one.leg_id], at=one.since, action=one.what) for one in changed)


@transaction.atomic
def freeze_legs(*, leg_ids: Sequence[int], at: datetime, action: str) -> int:
    """Freeze legs at their last price before an aware instant; return how many.

    A leg that was traded since then is frozen from its last trade on. One that is not open, or frozen, stays as it is.
    """
    prices, changed, since = last_prices(leg_ids=list(leg_ids), before=at), [], {}
    for row in _held(leg_ids):
        try:
            before = leg_of(row)
            since[row.pk] = max(at, before.states()[-1].since)
            price = prices.get(row.pk)
            after = freeze_for_corporate_action(before, at=since[row.pk], action=action[:150], last_price=price)
        except LegError as error:
            logger.warning("a leg cannot be frozen: %s", error, extra={"leg": row.pk})
            continue
        if after is not before:
            changed.append((row, after))
    if changed:
        store_ends(changed=changed, since=since)
    return len(changed)


@transaction.atomic
def unfreeze_legs(*, leg_ids: Sequence[int], now: datetime) -> int:
    """Let frozen legs go on, as somebody has seen to what changed their contracts until now; return how many."""
    changed, since = [], {}
    for row in _held(leg_ids):
        if row.frozen_at is not None:
            since[row.pk], row.terms_accepted_until = row.frozen_at, ist_date(now)
            changed.append((row, leg_of(row).unfreeze()))
    if changed:
        store_ends(changed=changed, since=since)
    return len(changed)


def _held(leg_ids: Sequence[int]) -> list[models.Leg]:
    """Legs, with their strategies held for this transaction."""
    strategies = models.Leg.objects.filter(pk__in=leg_ids).order_by().values("strategy")
    list(models.Strategy.objects.select_for_update().filter(pk__in=strategies).order_by("pk"))
    return list(stored_legs().filter(pk__in=leg_ids))
