"""Legs and their fills: what is bought and sold.

Whoever writes a strategy holds its row: two exits at once cannot both take the same lots.
"""

import json
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.shortcuts import get_object_or_404

from fo_analytics.domain.calendar import ist_date
from fo_analytics.selectors.reference import terms_on
from strategies import models
from strategies.domain.legs import Fill, Leg, Side
from strategies.models import Strategy
from strategies.selectors.instruments import Named, find_instrument
from strategies.selectors.legs import contract_of, leg_of, stored_legs
from strategies.services.fills import Trade, check_size, check_time, checked_fill, refusing
from strategies.services.held import note_held
from strategies.services.legs import note_change, note_outdated
from tradingviz.core.errors import InvalidRequest

MOST_LEGS = 40
MOST_FILLS = 400
Direction = models.Fill.Direction
ENTRY, EXIT = Direction.ENTRY, Direction.EXIT


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLeg:
    """A leg to be opened."""

    named: Named
    side: Side
    trade: Trade


@transaction.atomic
def add_leg(*, strategy_id: int, leg: NewLeg, now: datetime, key: str = "") -> int:
    """Open a leg; return its id. With a `key` that was used for the same already: the id of then, and nothing changes.

    Raises InvalidRequest as `checked_fill` does, for an unknown instrument, a closed strategy and too many legs.
    """
    strategy = writable(strategy_id=strategy_id)
    if done := _submitted(strategy, key, ("leg", leg)):
        return done
    leg_id = open_leg(strategy=strategy, leg=leg, now=now)
    _submit(strategy, key, ("leg", leg), leg_id, now)
    return leg_id


def add_lots(*, strategy_id: int, leg_id: int, trade: Trade, now: datetime, key: str = "") -> int:
    """Buy or sell more of a leg; return its id. `key` and errors as for `add_leg`, and for a leg that is over."""
    return _trade(strategy_id, leg_id, trade, now, key, ENTRY)


def exit_lots(*, strategy_id: int, leg_id: int, trade: Trade, now: datetime, key: str = "") -> int:
    """Close lots of a leg; return its id. `key` and errors as for `add_leg`, and for more lots than are open."""
    return _trade(strategy_id, leg_id, trade, now, key, EXIT)


@transaction.atomic
def delete_leg(*, strategy_id: int, leg_id: int) -> None:
    """Take a leg out of a draft. Raises InvalidRequest where the strategy is none: what was traded stays."""
    strategy = writable(strategy_id=strategy_id)
    leg = get_object_or_404(models.Leg, pk=leg_id, strategy=strategy)
    if strategy.status != Strategy.Status.DRAFT:
        raise InvalidRequest(f"a leg of a strategy that is {strategy.status} is exited, not deleted", field="status")
    since = leg.fills.earliest("at").at
    leg.delete()
    note_outdated(strategy_id=strategy.pk, since=since)
    note_held()


def writable(*, strategy_id: int) -> Strategy:
    """Return a strategy held for this transaction. Raises InvalidRequest where it is closed, Http404 where it is gone.

    Nothing but its row is held.
    """
    strategy = get_object_or_404(Strategy.objects.select_for_update(), pk=strategy_id)
    if strategy.status == Strategy.Status.CLOSED:
        raise InvalidRequest("the strategy is closed", field="status")
    return strategy


def open_leg(*, strategy: Strategy, leg: NewLeg, now: datetime) -> int:
    """Store a new leg of a strategy that is held; return its id."""
    if strategy.legs.count() >= MOST_LEGS:
        raise InvalidRequest(f"at most {MOST_LEGS} legs", field="legs")
    at = leg.trade.at or now
    instrument = find_instrument(named=leg.named, as_of=at)
    check_time(at=at, instrument=instrument, now=now)  # before terms are looked for as of any day
    terms = terms_on(instrument=instrument, day=ist_date(at))
    fill = checked_fill(trade=leg.trade, instrument=instrument, terms=terms, now=now)
    with refusing("token"):
        value = Leg(contract=contract_of(instrument), side=leg.side, lot_size=terms.lot_size, entry=fill)
    check_size(units=value.open_units, price=fill.price)
    row = models.Leg.objects.create(
        strategy=strategy, instrument=instrument, side=leg.side.value, lot_size=terms.lot_size, open_lots=fill.lots
    )
    _store(row.pk, ENTRY, fill)
    note_change(leg_id=row.pk, since=fill.at)
    return row.pk


@transaction.atomic
def _trade(strategy_id: int, leg_id: int, trade: Trade, now: datetime, key: str, direction: Direction) -> int:
    strategy = writable(strategy_id=strategy_id)
    get_object_or_404(models.Leg, pk=leg_id, strategy=strategy)
    asked = (direction.value, leg_id, trade)
    if done := _submitted(strategy, key, asked):
        return done
    record(leg_id=leg_id, direction=direction, trade=trade, now=now)
    _submit(strategy, key, asked, leg_id, now)
    return leg_id


def record(*, leg_id: int, direction: Direction, trade: Trade, now: datetime) -> None:
    """Store a fill of a leg whose strategy is held. Raises InvalidRequest."""
    row = stored_legs().get(pk=leg_id)
    terms = terms_on(instrument=row.instrument, day=ist_date(min(trade.at or now, now)))
    fill = checked_fill(trade=trade, instrument=row.instrument, terms=terms, now=now)
    if len(row.fills.all()) >= MOST_FILLS:
        raise InvalidRequest(f"at most {MOST_FILLS} fills of a leg", field="leg")
    move: Callable[[Leg, Fill], Leg] = Leg.add if direction is ENTRY else Leg.exit
    with refusing("leg"):
        # What was traded before the contract expired may be told after it was settled: what is left is settled again.
        moved = move(replace(leg_of(row), settlement=None), fill)
    entered = moved.lot_size * sum(entry.lots for entry in (moved.entry, *moved.additions))
    check_size(units=entered, price=fill.price)
    _store(leg_id, direction, fill)
    if row.settlement_price is not None and not moved.open_lots:
        _forget_settlement(leg_id)
    note_change(leg_id=leg_id, since=fill.at)


def _store(leg_id: int, direction: Direction, fill: Fill) -> None:
    models.Fill.objects.create(leg_id=leg_id, direction=direction, lots=fill.lots, price=fill.price, at=fill.at)


def _forget_settlement(leg_id: int) -> None:
    """Nothing was left to be settled."""
    models.Leg.objects.filter(pk=leg_id).update(
        settlement_price=None,
        settled_at=None,
        settlement_source="",
        settlement_is_provisional=False,
        settlement_close=None,
        settlement_recorded_at=None,
        physical_delivery=False,
    )


# ---------------------------------------------------------------- asking twice


def _submitted(strategy: Strategy, key: str, asked: tuple[object, ...]) -> int | None:
    """Return the leg that was changed under a key; None where none was. Raises InvalidRequest for another change."""
    found = models.Submission.objects.filter(strategy=strategy, key=key).first() if key else None
    if found is None:
        return None
    if found.digest != _digest(asked):
        raise InvalidRequest("this key was used for another change already", field="Idempotency-Key")
    return found.leg_id


def _submit(strategy: Strategy, key: str, asked: tuple[object, ...], leg_id: int, now: datetime) -> None:
    if key:
        digest = _digest(asked)
        models.Submission.objects.create(strategy=strategy, key=key, digest=digest, leg_id=leg_id, created_at=now)


def _digest(asked: tuple[object, ...]) -> str:
    plain = [astuple(part) if isinstance(part, NewLeg | Trade) else part for part in asked]
    return sha256(json.dumps(plain, default=str).encode()).hexdigest()
