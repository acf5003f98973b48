"""Strategies as answers show them: money and prices as texts, instants with their offset."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.timezone import localtime

from strategies import models
from strategies.domain.legs import Contract, Leg
from strategies.domain.money import rounded
from strategies.domain.positions import realised_exactly
from strategies.models import Strategy
from strategies.selectors.legs import leg_of, stored_legs
from strategies.selectors.strategies import with_summary
from tradingviz.core.bodies import price_text

Json = dict[str, Any]
_PRICE_STEPS = 10_000


def render_strategy(strategy: Strategy, *, user_id: int) -> Json:
    """Return a row of `with_summary`, as a user sees it."""
    row: Any = strategy  # what was annotated is no field
    return {
        "id": row.pk,
        "account": row.account_id,
        "name": row.name,
        "description": row.description,
        "tags": row.tags,
        "status": row.status,
        "valuation": row.valuation,
        "underlyings": row.underlyings,
        "leg_count": row.leg_count,
        "open_legs": row.open_legs,
        "may_write": row.account.owner_id == user_id,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "paused_at": instant(row.paused_at),
        "closed_at": instant(row.closed_at),
        "outdated_since": instant(row.outdated_since),
    }


def render_with_legs(*, strategy_id: int, user_id: int) -> Json:
    """Return a strategy as it is stored now, with its legs. Three queries."""
    strategy = with_summary(Strategy.objects.select_related("account")).get(pk=strategy_id)
    return render_strategy(strategy, user_id=user_id) | {"legs": render_legs(strategy_id=strategy_id)}


def render_legs(*, strategy_id: int) -> list[Json]:
    """Return the legs of a strategy. Two queries."""
    return [render_leg(row) for row in stored_legs().filter(strategy_id=strategy_id)]


def render_leg(row: models.Leg) -> Json:
    """Return a row of `stored_legs`."""
    leg = leg_of(row)
    return {
        "id": row.pk,
        "instrument": _contract(row, leg.contract),
        "side": row.side,
        "lot_size": row.lot_size,
        "open_lots": leg.open_lots,
        "units": leg.signed_units,
        "average_price": _average(leg),
        "realised": str(rounded(realised_exactly([leg]))),
        "fills": [_fill(fill) for fill in row.fills.all()],
        "settlement": _settlement(row),
        "frozen": _freeze(row),
    }


def instant(value: datetime | None) -> str | None:
    """Return an instant in the time zone of the exchange, ISO-8601."""
    return None if value is None else localtime(value).isoformat()


def price(value: Decimal | None) -> str | None:
    """Return a price, rupees."""
    return None if value is None else price_text(value)


def _contract(row: models.Leg, contract: Contract) -> Json:
    return {
        "token": row.instrument.token,
        "tradingsymbol": row.instrument.tradingsymbol,
        "underlying": contract.underlying,
        "kind": contract.kind.value,
        "expiry": contract.expiry,
        "strike": price(contract.strike),
    }


def _average(leg: Leg) -> str | None:
    average: Fraction | None = leg.average_price
    return None if average is None else price_text(Decimal(round(average * _PRICE_STEPS)) / _PRICE_STEPS)


def _fill(fill: models.Fill) -> Json:
    return {"direction": fill.direction, "lots": fill.lots, "price": price(fill.price), "at": instant(fill.at)}


def _settlement(row: models.Leg) -> Json | None:
    if row.settlement_price is None:
        return None
    return {
        "price": price(row.settlement_price),
        "at": instant(row.settled_at),
        "source": row.settlement_source,
        "close": price(row.settlement_close),
        "provisional": row.settlement_is_provisional,
        "physical_delivery": row.physical_delivery,
    }


def _freeze(row: models.Leg) -> Json | None:
    if row.frozen_at is None:
        return None
    return {"at": instant(row.frozen_at), "reason": row.frozen_reason, "price": price(row.frozen_price)}


def render_all(strategies: Iterable[Strategy], *, user_id: int) -> list[Json]:
    """Return rows of `with_summary`."""
    return [render_strategy(strategy, user_id=user_id) for strategy in strategies]
