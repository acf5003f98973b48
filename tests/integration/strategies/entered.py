"""A straddle and a condor in the recorded days, entered at the first snapshot's prices."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from accounts.models import User
from fo_analytics.domain.calendar import IST
from strategies.models import Strategy
from tests.integration.strategies import recorded
from tests.integration.strategies.recorded import Candle, Holding
from tests.rig.strategies import Trade, option, strategy_of

EXPIRY = date(2026, 2, 3)
Legs = tuple[tuple[str, int], ...]
STRADDLE: Legs = (("25300 CE", -2), ("25300 PE", -2))
CONDOR: Legs = (("25600 CE", -1), ("25000 PE", -1), ("25800 CE", 1), ("24800 PE", 1))


def held(folder: Path, legs: Legs) -> list[Holding]:
    """Return legs at the prices of the first snapshot."""
    first = recorded.prices(folder).iloc[0]
    return [Holding(contract, lots, Decimal(first[contract])) for contract, lots in legs]


def enter(user: User, name: str, legs: Sequence[Holding], at: datetime) -> Strategy:
    """Store an active strategy."""
    return strategy_of(user, [_trade(leg, at) for leg in legs], name=name)


def rupees(strategy: Strategy) -> dict[datetime, Candle]:
    """Return the stored candles by the minute's open (naive IST), in rupees; high and low must be known."""
    return {
        row.time.astimezone(IST).replace(tzinfo=None): (
            _rupees(row.open), _rupees(row.high), _rupees(row.low), _rupees(row.close)
        )
        for row in strategy.candles.all()
    }  # fmt: skip


def _trade(leg: Holding, at: datetime) -> Trade:
    strike, kind = leg.contract.split()
    instrument = option("NIFTY", EXPIRY, float(strike), kind)
    return Trade(instrument, "BUY" if leg.lots > 0 else "SELL", abs(leg.lots), leg.price, at)


def _rupees(paise: int | None) -> Decimal:
    assert paise is not None
    return Decimal(paise) / 100
