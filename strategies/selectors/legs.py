"""Stored legs as the values that the domain computes with."""

from django.db.models import QuerySet

from fo_analytics.models import Instrument, InstrumentKind
from strategies import models
from strategies.domain.legs import Contract, Fill, Freeze, Kind, Leg, Settlement, Side


def stored_legs() -> QuerySet[models.Leg]:
    """Return legs with all that `leg_of` reads; two queries."""
    return models.Leg.objects.select_related("instrument__underlying").prefetch_related("fills")


def legs_of(*, strategy_id: int) -> list[Leg]:
    """Return the legs of a strategy, in the order in which they were added. Two queries."""
    return [leg_of(row) for row in stored_legs().filter(strategy_id=strategy_id)]


def contract_of(instrument: Instrument) -> Contract:
    """Return what a leg in an instrument is in; its key is the instrument's primary key.

    The spot of a stock is its share. Raises LegError for the spot of an index, which cannot be held.
    """
    kind = Kind.EQUITY if instrument.kind == InstrumentKind.SPOT else Kind(instrument.kind)
    underlying = instrument.underlying
    return Contract(
        key=instrument.pk,
        kind=kind,
        underlying=underlying.symbol,
        is_index=underlying.is_index,
        expiry=instrument.expiry,
        strike=instrument.strike,
        tick=instrument.tick_size,
    )


def leg_of(row: models.Leg) -> Leg:
    """Return a stored leg as a value. Raises LegError where what is stored is impossible."""
    entries = [_fill(fill) for fill in row.fills.all() if fill.direction == models.Fill.Direction.ENTRY]
    exits = [_fill(fill) for fill in row.fills.all() if fill.direction == models.Fill.Direction.EXIT]
    return Leg(
        contract=contract_of(row.instrument),
        side=Side(row.side),
        lot_size=row.lot_size,
        entry=entries[0],
        additions=tuple(entries[1:]),
        exits=tuple(exits),
        settlement=_settlement(row),
        frozen=_freeze(row),
    )


def _fill(row: models.Fill) -> Fill:
    return Fill(row.lots, row.price, row.at)


def _settlement(row: models.Leg) -> Settlement | None:
    if row.settlement_price is None or row.settled_at is None:
        return None
    price, at = row.settlement_price, row.settled_at
    return Settlement(price, at, row.settlement_source, row.settlement_is_provisional, row.physical_delivery)


def _freeze(row: models.Leg) -> Freeze | None:
    return None if row.frozen_at is None else Freeze(row.frozen_at, row.frozen_reason, row.frozen_price)
