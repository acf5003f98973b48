"""Strategies for tests, stored as the services store them."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from accounts.models import TradingAccount, User
from fo_analytics.models import Instrument
from strategies.models import Fill, Leg, Strategy
from strategies.services.legs import note_change


class Trade(NamedTuple):
    """What opens a leg: `lots` at `price` rupees at an aware instant."""

    instrument: Instrument
    side: str
    lots: int
    price: Decimal
    at: datetime


def account_of(user: User, name: str = "main") -> TradingAccount:
    """Return a user's trading account of a name, made where there is none."""
    account, _ = TradingAccount.objects.get_or_create(owner=user, name=name, broker="test")
    return account


def option(symbol: str, expiry: date, strike: float, kind: str) -> Instrument:
    """Return a listed option; `kind` CE or PE."""
    return Instrument.objects.get(underlying__symbol=symbol, expiry=expiry, strike=Decimal(str(strike)), kind=kind)


@transaction.atomic
def strategy_of(
    user: User, trades: Iterable[Trade], *, status: str = "active", valuation: str = "last", name: str = "a strategy"
) -> Strategy:
    """Store a strategy on the user's account, a leg for each trade."""
    strategy = Strategy.objects.create(account=account_of(user), name=name, status=status, valuation=valuation)
    for trade in trades:
        leg = Leg.objects.create(
            strategy=strategy,
            instrument=trade.instrument,
            side=trade.side,
            lot_size=trade.instrument.lot_size,
            open_lots=trade.lots,
        )
        Fill.objects.create(leg=leg, direction=Fill.Direction.ENTRY, lots=trade.lots, price=trade.price, at=trade.at)
        note_change(leg_id=leg.pk, since=trade.at)
    return strategy


@transaction.atomic
def exit_leg(leg: Leg, *, lots: int, price: Decimal, at: datetime) -> None:
    """Close lots of a leg."""
    Fill.objects.create(leg=leg, direction=Fill.Direction.EXIT, lots=lots, price=price, at=at)
    note_change(leg_id=leg.pk, since=at)
