"""A trade as somebody tells it, checked into a fill."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from fo_analytics.domain.calendar import IST, ist_date
from fo_analytics.models import Instrument
from fo_analytics.selectors.reference import Terms, calendar
from strategies.domain.legs import Fill, LegClosed, LegError, LegFrozen, TooManyLots, WrongTime
from strategies.selectors.live_prices import live_price
from tradingviz.core.errors import InvalidRequest

# What a leg may come to, so that sums of whole points stay far inside 64 bits (strategies.domain.money).
MOST_UNITS = 100_000_000
MOST_RUPEES = 100_000_000_000

_FIELDS: dict[type[LegError], str] = {TooManyLots: "lots", WrongTime: "at", LegClosed: "leg", LegFrozen: "leg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Lots at a price (rupees a unit; None: what it trades at now) at an aware instant (None: now).

    `average`: the price is that of several trades, and need not be on the contract's tick.
    """

    lots: int
    price: Decimal | None = None
    at: datetime | None = None
    average: bool = False


@contextmanager
def refusing(field: str = "") -> Iterator[None]:
    """Turn what the domain refuses into a request that must change."""
    try:
        yield
    except LegError as error:
        raise InvalidRequest(str(error), field=_FIELDS.get(type(error), field)) from error


def checked_fill(*, trade: Trade, instrument: Instrument, terms: Terms, now: datetime) -> Fill:
    """Return the fill of a trade in an instrument, told at an aware instant; `terms` are those of its day.

    Raises InvalidRequest: in the future, on a day without a session, after the contract's expiry instant, off the tick,
    or without a price where the market does not tell one.
    """
    at = trade.at or now
    check_time(at=at, instrument=instrument, now=now)
    price = trade.price
    if price is None:
        price = None if trade.at else live_price(instrument=instrument, now=now)
        if price is None:
            raise InvalidRequest("give a price: the market does not tell one now", field="price")
    elif not trade.average and (Fraction(price) / Fraction(terms.tick_size)).denominator != 1:
        raise InvalidRequest(
            f"{price:f} is not on the tick of {terms.tick_size.normalize():f}: say `average` where it is an average",
            field="price",
        )
    with refusing("price"):
        return Fill(trade.lots, price, at)


def check_time(*, at: datetime, instrument: Instrument, now: datetime) -> None:
    """Raise InvalidRequest where nothing can have been traded at an aware instant."""
    if at > now:
        raise InvalidRequest("that is in the future", field="at")
    sessions, day = calendar(exchange=instrument.underlying.exchange), ist_date(at)
    if sessions.session_on(day) is None:
        raise InvalidRequest(f"there was no session on {day}", field="at")
    if instrument.expiry is not None and at > (end := sessions.expires_at(instrument.expiry)):
        raise InvalidRequest(f"the contract expired at {end.astimezone(IST):%Y-%m-%d %H:%M:%S} IST", field="at")


def check_size(*, units: int, price: Decimal) -> None:
    """Raise InvalidRequest for a leg beyond what is counted exactly."""
    if units > MOST_UNITS or units * price > MOST_RUPEES:
        raise InvalidRequest(f"at most {MOST_UNITS} units and {MOST_RUPEES} rupees in a leg", field="lots")
