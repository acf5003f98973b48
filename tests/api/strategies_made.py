"""Strategies on the market of market.py, put straight into the tables."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from accounts.models import AccountShare, TradingAccount, User
from fo_analytics.domain.calendar import from_ms
from fo_analytics.models import Instrument, Underlying
from strategies import models
from strategies.services.legs import note_change
from tests.api.market import FIRST, LOT, NEAR

ENTERED = from_ms(FIRST)


def strategy_of(owner: User, *, shared_with: User | None = None) -> models.Strategy:
    """Return an active strategy on an account of the owner."""
    account, _ = TradingAccount.objects.get_or_create(owner=owner, name="main", defaults={"broker": "paper"})
    if shared_with:
        AccountShare.objects.create(account=account, user=shared_with)
    return models.Strategy.objects.create(account=account, name="x", status=models.Strategy.Status.ACTIVE)


def instrument(kind: str, strike: float | None = None, expiry: date | None = NEAR) -> Instrument:
    """Return a contract of the market."""
    return Instrument.objects.get(kind=kind, strike=None if strike is None else Decimal(strike), expiry=expiry)


def add(
    strategy: models.Strategy, contract: Instrument, side: str, price: str, *, lots: int = 1, at: datetime = ENTERED
) -> models.Leg:
    """Add a leg of lots of LOT units (a share: 1)."""
    size = 1 if contract.kind == "SPOT" else LOT
    leg = models.Leg.objects.create(strategy=strategy, instrument=contract, side=side, lot_size=size, open_lots=lots)
    models.Fill.objects.create(leg=leg, direction="entry", lots=lots, price=Decimal(price), at=at)
    note_change(leg_id=leg.pk, since=at)
    return leg


def close(leg: models.Leg, lots: int, price: str, *, minutes: float = 1) -> None:
    """Exit lots so many minutes after the entry."""
    at = ENTERED + timedelta(minutes=minutes)
    models.Fill.objects.create(leg=leg, direction="exit", lots=lots, price=Decimal(price), at=at)
    note_change(leg_id=leg.pk, since=at)


def short_straddle(strategy: models.Strategy) -> list[models.Leg]:
    """Sell the 25,000 call for 160.50 and the put for 140.25."""
    return [
        add(strategy, instrument("CE", 25_000), "SELL", "160.50"),
        add(strategy, instrument("PE", 25_000), "SELL", "140.25"),
    ]


def list_stock() -> Instrument:
    """Put a share into the master of which nothing has ticked; return it."""
    stock = Underlying.objects.create(symbol="RELIANCE", exchange="NSE", is_index=False)
    return Instrument.objects.create(underlying=stock, kind="SPOT", token=77, tradingsymbol="RELIANCE")


def candles(strategy: models.Strategy, day: date, *closes: int, **marks: bool) -> None:
    """Store candles of the first minutes of a session (09:15 IST), closes in paise."""
    opens = datetime(day.year, day.month, day.day, 3, 45, tzinfo=UTC)
    for place, paise in enumerate(closes):
        models.StrategyCandle.objects.create(
            strategy=strategy, time=opens + timedelta(minutes=place), open=paise, high=paise, low=paise, close=paise,
            seconds=60, partial=marks.get("partial", False), from_bars=marks.get("from_bars", False),
        )  # fmt: skip
