"""Legs of the examples: NIFTY, lots of 65, on the two days before the expiry of 3-Feb-2026."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from strategies.domain.legs import Contract, Fill, Kind, Leg, Side

EXPIRY = date(2026, 2, 3)
ENTERED = datetime(2026, 2, 2, 4, 0, tzinfo=UTC)
EXPIRED = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)
LOT = 65


def option(kind: Kind, strike: str, *, key: int = 1, expiry: date = EXPIRY) -> Contract:
    """Return an option on NIFTY."""
    return Contract(key, kind, "NIFTY", expiry=expiry, strike=Decimal(strike))


def future(*, key: int = 9, expiry: date = EXPIRY) -> Contract:
    """Return a future on NIFTY."""
    return Contract(key, Kind.FUTURE, "NIFTY", expiry=expiry)


def fill(lots: int, price: str, *, minutes: float = 0) -> Fill:
    """Return lots traded so many minutes after the entry."""
    return Fill(lots, Decimal(price), ENTERED + timedelta(minutes=minutes))


def leg(contract: Contract, side: Side, lots: int, price: str, *, lot_size: int = LOT) -> Leg:
    """Return a leg entered at ENTERED."""
    return Leg(contract=contract, side=side, lot_size=lot_size, entry=fill(lots, price))


def call(side: Side, lots: int, price: str, *, strike: str = "25700", lot_size: int = LOT) -> Leg:
    """Return a leg in a call."""
    return leg(option(Kind.CALL, strike), side, lots, price, lot_size=lot_size)
