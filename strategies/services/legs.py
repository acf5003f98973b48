"""Writing what happens to legs: the values of the domain go into rows, and the rows that M2M reads follow."""

from collections.abc import Mapping, Sequence
from datetime import datetime

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
    _note_all([strategy_id], since)


def store_ends(*, changed: Sequence[tuple[models.Leg, Leg]], since: Mapping[int, datetime]) -> None:
    """Store the settlement and the freeze of legs, or that there is none, and bring in step what is derived from them.

    `since` by a leg's key: from when on candles are outdated. Call it inside a transaction that holds their strategies.
    What else was set on the rows of END_FIELDS is stored, too.
    """
    for row, leg in changed:
        _set_end(row, leg)
    models.Leg.objects.bulk_update([row for row, _ in changed], END_FIELDS, batch_size=500)
    models.LegState.objects.filter(leg__in=[row for row, _ in changed]).delete()
    models.LegState.objects.bulk_create(
        [state for row, leg in changed for state in state_rows(row, leg)], batch_size=1000
    )
    earliest: dict[int, datetime] = {}
    for row, _ in changed:
        earliest[row.strategy_id] = min(since[row.pk], earliest.get(row.strategy_id, since[row.pk]))
    for instant in set(earliest.values()):
        _note_all([pk for pk, first in earliest.items() if first == instant], instant)
    note_held()


END_FIELDS = (
    "open_lots", "settlement_price", "settled_at", "settlement_source", "settlement_is_provisional",
    "settlement_close", "settlement_recorded_at", "physical_delivery", "frozen_at", "frozen_reason", "frozen_price",
    "terms_accepted_until",
)  # fmt: skip


def _set_end(row: models.Leg, leg: Leg) -> None:
    settlement, frozen = leg.settlement, leg.frozen
    row.open_lots = leg.open_lots
    row.settlement_price = settlement.price if settlement else None
    row.settled_at = settlement.at if settlement else None
    row.settlement_source = settlement.source if settlement else ""
    row.settlement_is_provisional = bool(settlement and settlement.provisional)
    row.physical_delivery = bool(settlement and settlement.physical_delivery)
    row.frozen_at = frozen.at if frozen else None
    row.frozen_reason = frozen.reason if frozen else ""
    row.frozen_price = frozen.price if frozen else None


def _note_all(strategy_ids: Sequence[int], since: datetime) -> None:
    earlier = Least(F("outdated_since"), Value(since))
    models.Strategy.objects.filter(pk__in=strategy_ids).update(outdated_since=earlier)


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
