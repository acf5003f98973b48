"""Writing what happens to legs: the values of the domain go into rows, and the rows that M2M reads follow."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least

from strategies import models
from strategies.domain.legs import Leg
from strategies.domain.positions import UNPRICED, leg_rows
from strategies.selectors.legs import leg_of, stored_legs
from strategies.services.held import note_held

_FIRST_SLOT = 0


def note_change(*, leg_id: int, since: datetime) -> Leg:
    """Bring what is derived from a leg's stored history in step with it; candles from `since` on are outdated.

    Call it inside the transaction that wrote the leg's rows. Raises LegError where its history has become impossible:
    then the transaction must end.
    """
    row = stored_legs().get(pk=leg_id)
    leg = leg_of(row)
    models.Leg.objects.filter(pk=leg_id).update(open_lots=leg.open_lots)
    _rewrite_states(row, leg)
    note_outdated(strategy_id=row.strategy_id, since=since)
    note_held()
    return leg


def note_outdated(*, strategy_id: int, since: datetime) -> None:
    """Have the candles of a strategy made again from an instant on."""
    earlier = Least(F("outdated_since"), Value(since))
    models.Strategy.objects.filter(pk=strategy_id).update(outdated_since=earlier)


def store_end(*, leg_id: int, leg: Leg, since: datetime) -> None:
    """Store the settlement and the freeze of a leg, or that there is none."""
    settlement, frozen = leg.settlement, leg.frozen
    with transaction.atomic():
        models.Leg.objects.filter(pk=leg_id).update(
            settlement_price=settlement.price if settlement else None,
            settled_at=settlement.at if settlement else None,
            settlement_source=settlement.source if settlement else "",
            settlement_is_provisional=bool(settlement and settlement.provisional),
            physical_delivery=bool(settlement and settlement.physical_delivery),
            frozen_at=frozen.at if frozen else None,
            frozen_reason=frozen.reason if frozen else "",
            frozen_price=frozen.price if frozen else None,
        )
        note_change(leg_id=leg_id, since=since)


def state_rows(row: models.Leg, leg: Leg) -> list[models.LegState]:
    """Return the states of a stored leg as rows, not stored."""
    return [
        models.LegState(
            leg=row,
            strategy_id=row.strategy_id,
            instrument_id=None if slot == UNPRICED else row.instrument_id,
            units=units,
            cash=cash,
            since=since,
            until=until,
        )
        for slot, units, cash, since, until in leg_rows(leg, slot=_FIRST_SLOT)
    ]


def _rewrite_states(row: models.Leg, leg: Leg) -> None:
    models.LegState.objects.filter(leg=row).delete()
    models.LegState.objects.bulk_create(state_rows(row, leg))
