"""Contracts to trade: NIFTY with two expiries, ABCD a stock; and legs in them, told as clients tell them."""

from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

from accounts.models import TradingAccount, User
from fo_analytics.domain.calendar import IST
from fo_analytics.models import Instrument, Underlying
from strategies.domain.legs import Side
from strategies.domain.m2m import Valuation
from strategies.selectors.instruments import Named
from strategies.services.fills import Trade
from strategies.services.strategies import create_strategy
from strategies.services.trades import NewLeg

NEAR, FAR = date(2026, 2, 3), date(2026, 2, 10)
STRIKES = tuple(25_500 + 50 * rung for rung in range(9))
LOT, STOCK_LOT = 65, 400


def ist(text: str) -> datetime:
    """Return an IST clock time, "2026-02-02 10:00:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=IST)


ENTERED = ist("2026-02-02 09:30:00")
NOW = ist("2026-02-02 12:00:00")


def list_market() -> None:
    """Put the contracts into the master."""
    nifty = Underlying.objects.create(symbol="NIFTY", exchange="NSE")
    stock = Underlying.objects.create(symbol="ABCD", exchange="NSE", is_index=False)
    rows = [_spot(nifty, 1), _spot(stock, 2), _future(nifty, 3), _future(stock, 4)]
    for number, (expiry, strike, kind) in enumerate(product((NEAR, FAR), STRIKES, ("CE", "PE"))):
        rows.append(_option(nifty, 100 + number, kind, expiry, strike, LOT))
    rows += [_option(stock, 500 + place, kind, NEAR, 100, STOCK_LOT) for place, kind in enumerate(("CE", "PE"))]
    Instrument.objects.bulk_create(rows)


def _spot(owner: Underlying, token: int) -> Instrument:
    return Instrument(underlying=owner, kind="SPOT", token=token, tradingsymbol=owner.symbol)


def _future(owner: Underlying, token: int) -> Instrument:
    lot = LOT if owner.is_index else STOCK_LOT
    name = f"{owner.symbol}26FEBFUT"
    return Instrument(underlying=owner, kind="FUT", token=token, tradingsymbol=name, expiry=NEAR, lot_size=lot)


def _option(owner: Underlying, token: int, kind: str, expiry: date, strike: int, lot: int) -> Instrument:
    name = f"{owner.symbol}{expiry:%y%m%d}{strike}{kind}"
    return Instrument(
        underlying=owner, kind=kind, token=token, tradingsymbol=name, expiry=expiry, strike=Decimal(strike),
        lot_size=lot, valid_from=date(2026, 1, 1), valid_to=expiry,
    )  # fmt: skip


def option(kind: str, strike: int, expiry: date = NEAR, underlying: str = "NIFTY") -> Named:
    """Name an option."""
    return Named(underlying=underlying, kind=kind, expiry=str(expiry), strike=Decimal(strike))


def trade(lots: int, price: str, at: datetime = ENTERED, **more: Any) -> Trade:
    """Tell a trade."""
    return Trade(lots=lots, price=Decimal(price), at=at, **more)


def sold(named: Named, lots: int, price: str, at: datetime = ENTERED) -> NewLeg:
    """Tell of a leg that was sold."""
    return NewLeg(named=named, side=Side.SELL, trade=trade(lots, price, at))


def bought(named: Named, lots: int, price: str, at: datetime = ENTERED) -> NewLeg:
    """Tell of a leg that was bought."""
    return NewLeg(named=named, side=Side.BUY, trade=trade(lots, price, at))


def straddle() -> list[NewLeg]:
    """Tell of a straddle sold at 25,700."""
    return [sold(option("CE", 25_700), 2, "140.50"), sold(option("PE", 25_700), 2, "120.25")]


def account_of(user: User, name: str = "main") -> TradingAccount:
    """Make a trading account."""
    return TradingAccount.objects.create(owner=user, name=name, broker="zerodha")


def strategy_on(account: TradingAccount, *legs: NewLeg, active: bool = True, now: datetime = NOW) -> int:
    """Make a strategy, of a straddle where no legs are told."""
    return create_strategy(
        account=account, legs=legs or straddle(), activate=active, now=now, name="straddle", description="", tags=["a"],
        valuation=Valuation.LAST.value,
    )  # fmt: skip
