"""Strategies made of what an account holds."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import TradingAccount
from accounts.selectors.positions import NetPosition
from fo_analytics.domain.calendar import ist_date
from fo_analytics.models import Instrument
from fo_analytics.selectors.reference import calendar, terms_on
from strategies.domain.legs import Side
from strategies.selectors.instruments import Named
from strategies.services.fills import Trade
from strategies.services.strategies import create_strategy
from strategies.services.trades import MOST_LEGS, NewLeg
from tradingviz.core.errors import InvalidRequest

_STEP = Decimal("0.0001")


def create_from_positions(
    *,
    account: TradingAccount,
    positions: Iterable[NetPosition],
    tokens: Collection[int] | None,
    activate: bool,
    now: datetime,
    **fields: Any,
) -> int:
    """Make a strategy with a leg for each net position of an account, at its average price; return its id.

    `tokens` chooses; None takes all that are not flat. The legs are entered now, or where there is no session today at
    the close of the last one. Raises InvalidRequest for a token of which there is no position, for nothing at all, for
    contracts that are not known, and for quantities that are no whole lots.
    """
    held = [one for one in positions if one.quantity and (tokens is None or one.token in tokens)]
    if missing := sorted(set(tokens or ()) - {one.token for one in held}):
        raise InvalidRequest(f"there is no open position in {missing[0]}", field="tokens")
    if not held or len(held) > MOST_LEGS:
        raise InvalidRequest(f"{len(held)} open positions: choose 1 to {MOST_LEGS}", field="tokens")
    rows = Instrument.objects.select_related("underlying").filter(token__in={one.token for one in held})
    known = {row.token: row for row in rows}
    legs = [_leg(one, known.get(one.token), now) for one in held]
    return create_strategy(account=account, legs=legs, activate=activate, now=now, **fields)


def _leg(position: NetPosition, instrument: Instrument | None, now: datetime) -> NewLeg:
    if instrument is None:
        raise InvalidRequest(f"no instrument is known as {position.token}", field="tokens")
    at = _entered_at(instrument, now)
    size = terms_on(instrument=instrument, day=ist_date(at)).lot_size
    lots, rest = divmod(abs(position.quantity), size)
    if rest:
        problem = f"{position.quantity} units of {instrument.tradingsymbol} are no whole lots of {size}"
        raise InvalidRequest(problem, field="tokens")
    side = Side.BUY if position.quantity > 0 else Side.SELL
    trade = Trade(lots=lots, price=position.average_price.quantize(_STEP), at=at, average=True)
    return NewLeg(named=Named(token=position.token), side=side, trade=trade)


def _entered_at(instrument: Instrument, now: datetime) -> datetime:
    sessions = calendar(exchange=instrument.underlying.exchange)
    session = sessions.session_on(ist_date(now)) or sessions.last_session_before(ist_date(now))
    return now if session is None else min(now, session.closes_at)
