"""Positions, net and of the day, and what they are worth now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone

from accounts.domain.positions import Open, Trades, after, unrealised
from accounts.models import Position
from accounts.times import day_of
from accounts.valuation import Quote, market


@dataclass(frozen=True, slots=True)
class NetPosition:
    """What is open: `quantity` in units, negative for short; `average_price` in rupees a unit."""

    token: int
    product: str
    quantity: int
    average_price: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """A position with its contract; amounts in rupees, None where no price is known.

    `trades` are the fills of the day, `quote` what the market says of the contract.
    """

    token: int
    product: str
    exchange: str
    tradingsymbol: str
    trades: Trades
    open: Open
    realised: Decimal
    quote: Quote | None

    @property
    def unrealised(self) -> Decimal | None:
        """What closing at the last price would realise; 0 where nothing is open."""
        if self.open.quantity == 0:
            return Decimal(0)
        last = self.quote.last if self.quote else None
        return None if last is None else unrealised(self.open, last)


@dataclass(frozen=True, slots=True)
class Positions:
    """An account's positions on a date: `net` of all that is open or was closed that day, `day` of its fills alone."""

    date: date
    net: tuple[Line, ...]
    day: tuple[Line, ...]


def positions_of(*, account_id: int, day: date | None = None) -> Positions:
    """Return an account's positions on a date, today where none is given, by tradingsymbol.

    What is open is carried from day to day until the contract's expiry has passed: then the broker has settled it. One
    query, and what the market needs.
    """
    day = day or day_of(timezone.now())
    rows = _newest(account_id, day)
    quotes = market().quotes({row.token for row in rows})
    net = (_net(row, day, quotes.get(row.token)) for row in rows)
    today = [row for row in rows if row.date == day and (row.bought or row.sold)]
    return Positions(
        date=day,
        net=tuple(line for line in net if line is not None),
        day=tuple(_line(row, Open(), _trades(row), quotes.get(row.token)) for row in today),
    )


def net_positions(*, account_id: int) -> list[NetPosition]:
    """Return what is open in an account now, by tradingsymbol."""
    return [
        NetPosition(line.token, line.product, line.open.quantity, line.open.average_price)
        for line in positions_of(account_id=account_id).net
        if line.open.average_price is not None
    ]


def _newest(account_id: int, day: date) -> list[Position]:
    """Return the newest row up to a date of each contract and product."""
    rows = Position.objects.filter(account_id=account_id, date__lte=day)
    newest: Iterable[Position] = rows.order_by("token", "product", "-date").distinct("token", "product")
    return sorted(newest, key=lambda row: (row.tradingsymbol, row.product, row.token))


def _net(row: Position, day: date, quote: Quote | None) -> Line | None:
    """Return a net position; None where nothing is left of it and nothing happened that day."""
    overnight = Open(row.overnight_quantity, row.overnight_cost)
    if row.date == day:
        return _line(row, overnight, _trades(row), quote)
    carried = after(overnight, _trades(row)).open
    has_expired = quote is not None and quote.expiry is not None and quote.expiry < day
    return None if carried.quantity == 0 or has_expired else _line(row, carried, Trades(), quote)


def _line(row: Position, carried: Open, trades: Trades, quote: Quote | None) -> Line:
    position = after(carried, trades)
    names = (row.token, row.product, row.exchange, row.tradingsymbol)
    return Line(*names, trades, position.open, position.realised, quote)


def _trades(row: Position) -> Trades:
    return Trades(row.bought, row.bought_value, row.sold, row.sold_value)
