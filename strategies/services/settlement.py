"""Settling what expired: by the underlying's official close, until that is known provisionally by its last spot."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from fo_analytics.domain.calendar import from_ms
from fo_analytics.selectors.closes import Key as Subject
from strategies import models
from strategies.domain.legs import Leg, LegError, Settlement
from strategies.domain.settlement import settle, settlement_of
from strategies.selectors.expired import Closing, Due, closings, legs_due
from strategies.selectors.legs import leg_of, stored_legs
from strategies.services.legs import store_ends

logger = logging.getLogger(__name__)

AT_ONCE = 500


def settle_expired(*, now_ms: int) -> int:
    """Settle all legs past their contract's expiry instant as far as is known; return how many changed.

    Safe to repeat, and for two at once. An official close that is corrected within a day is followed. Legs of an
    underlying of which nothing is known wait; a leg that cannot be settled is logged and passed over.
    """
    now = from_ms(now_ms)
    due = legs_due(now=now)
    known = closings(due=due, now=now)
    wanted = [one for one in due if one.subject in known and _differs(one, known[one.subject])]
    return sum(_settle(part, known, now) for part in _parts(wanted))


def _parts(due: Sequence[Due]) -> list[Sequence[Due]]:
    return [due[first : first + AT_ONCE] for first in range(0, len(due), AT_ONCE)]


def _differs(one: Due, closing: Closing) -> bool:
    """Whether a leg is not settled by that close already; what is final is no more undone by what is not."""
    price, provisional = one.settled_by
    settled_finally = price is not None and not provisional
    return one.settled_by != (closing.price, not closing.final) and (closing.final or not settled_finally)


@transaction.atomic
def _settle(due: Sequence[Due], known: Mapping[Subject, Closing], now: datetime) -> int:
    by_leg = {one.leg_id: one for one in due}
    strategies = models.Leg.objects.filter(pk__in=by_leg).order_by().values("strategy")
    list(models.Strategy.objects.select_for_update().filter(pk__in=strategies).order_by("pk"))
    changed = []
    for row in stored_legs().filter(pk__in=by_leg):
        one = by_leg[row.pk]
        closing = known[one.subject]
        try:
            before = leg_of(row)
            after = _settled(before, one, closing)
        except LegError as error:
            logger.warning("a leg cannot be settled: %s", error, extra={"leg": row.pk})
            continue
        # An option that is worthless by one close as by another is settled by the newer one all the same.
        if after is not before or (after.settlement is not None and row.settlement_close != closing.price):
            row.settlement_close, row.settlement_recorded_at = closing.price, now
            changed.append((row, after))
    if changed:
        store_ends(changed=changed, since={row.pk: by_leg[row.pk].expired_at for row, _ in changed})
    return len(changed)


def _settled(leg: Leg, one: Due, closing: Closing) -> Leg:
    official, last = (closing.price, None) if closing.final else (None, closing.price)
    wanted = settlement_of(leg.contract, at=one.expired_at, official_close=official, last_spot=last)
    if _is_corrected(leg, wanted):
        return replace(leg, settlement=wanted)
    return settle(leg, wanted)


def _is_corrected(leg: Leg, wanted: Settlement | None) -> bool:
    """Whether the official close that a leg was settled by is another one now."""
    held = leg.settlement
    settled_finally = held is not None and not held.provisional
    return settled_finally and leg.frozen is None and wanted is not None and not wanted.provisional and wanted != held
