"""Which contracts there are on a day, as columns and as the list that brokers publish.

A token is made of what the contract is, so that it means the same for ever: underlying, days of the expiry since 2020,
rung (strike / step) and kind; below 2**32 like a broker's.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from fo_analytics.domain.calendar import ist_instant, to_ms
from fo_analytics.domain.simulated_day import CLOSES
from tradingviz.quickstart.simulator.noise import Floats, Ints
from tradingviz.quickstart.simulator.underlyings import SHAPES, Shape, expiries

TICK = 0.05
KINDS = ("SPOT", "FUT", "CE", "PE")
SPOT, FUTURE, CALL, PUT = range(4)
_FIRST_DAY = date(2020, 1, 1)
_DERIVATIVES = {"NSE": "NFO", "BSE": "BFO"}
_HEADER = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike",
    "tick_size", "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """The n instruments of a day in order of their tokens, as columns.

    `underlying` and `kind` are places in SHAPES and KINDS; `strike` rupees, NaN without one; `expires_ms` ms UTC, of a
    spot the largest number; `rank` 0 for the nearest expiry of the underlying, 1 for the next, …
    """

    day: date
    token: Ints
    underlying: Ints
    kind: Ints
    strike: Floats
    expires_ms: Ints
    rank: Ints
    lot: Ints
    expiry: tuple[date | None, ...]

    def rows_of(self, tokens: Ints) -> Ints:
        """Return where the tokens stand; those not listed are left out."""
        place = np.minimum(np.searchsorted(self.token, tokens), len(self.token) - 1)
        there: Ints = place[self.token[place] == tokens]
        return there


@lru_cache(maxsize=8)
def listing(day: date) -> Listing:
    """Return what is listed on a day (IST)."""
    rows = sorted(row for place, shape in enumerate(SHAPES) for row in _rows(place, shape, day))
    token, underlying, kind, strike, expires, rank, lot = (np.array(column) for column in zip(*rows, strict=True))
    expiry = tuple(_expiry(int(number)) for number in token)
    return Listing(day, token, underlying, kind, strike, expires, rank, lot, expiry)


def token_of(underlying: int, kind: int, expiry: date | None, strike: float) -> int:
    """Return the token of a contract; `strike` is of no meaning for spots and futures."""
    days = (expiry - _FIRST_DAY).days if expiry else 0
    rung = round(strike / SHAPES[underlying].step) if kind in (CALL, PUT) else 0
    return (((underlying + 1) * 8192 + days) * 1024 + rung) * 4 + kind


def tradingsymbol(shape: Shape, kind: int, expiry: date | None, strike: float) -> str:
    """Return the name of a contract: NIFTY26NOV2426000CE, NIFTY26NOV24FUT; of a spot that of the cash market."""
    if expiry is None:
        return shape.cash_name
    middle = f"{strike:g}" if kind in (CALL, PUT) else ""
    return f"{shape.symbol}{expiry:%y%b%d}{middle}{KINDS[kind]}".upper()


def master_csv(day: date) -> str:
    """Return the list of a day's instruments in the form of Kite's."""
    found = listing(day)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for row in range(len(found.token)):
        writer.writerow(_line(found, row))
    return text.getvalue()


def _line(found: Listing, row: int) -> tuple[object, ...]:
    shape, kind, expiry = SHAPES[found.underlying[row]], int(found.kind[row]), found.expiry[row]
    token, strike = int(found.token[row]), float(found.strike[row])
    name = tradingsymbol(shape, kind, expiry, strike)
    if expiry is None:
        market = "INDICES" if shape.is_index else shape.exchange
        terms = (0, 0, 0) if shape.is_index else (0, TICK, 1)
        return (token, token >> 8, name, shape.cash_name, 0, "", *terms, "EQ", market, shape.exchange)
    market = _DERIVATIVES[shape.exchange]
    segment = f"{market}-{'FUT' if kind == FUTURE else 'OPT'}"
    listed = f"{strike:g}" if kind != FUTURE else 0
    return (token, token >> 8, name, shape.symbol, 0, expiry, listed, TICK, shape.lot, KINDS[kind], segment, market)


def _rows(place: int, shape: Shape, day: date) -> Iterator[tuple[float, ...]]:
    """Yield the rows of an underlying: token, underlying, kind, strike, expires_ms, rank, lot."""
    yield token_of(place, SPOT, None, 0), place, SPOT, np.nan, np.iinfo(np.int64).max, 0, 1
    centre = round(shape.spot / shape.step)
    listed = expiries(shape, day)
    for rank, expiry in enumerate(listed):
        until = to_ms(ist_instant(expiry, CLOSES))
        if _is_monthly(expiry):
            yield token_of(place, FUTURE, expiry, 0), place, FUTURE, np.nan, until, rank, shape.lot
        for rung in range(centre - shape.rungs, centre + shape.rungs + 1):
            for kind in (CALL, PUT):
                strike = rung * shape.step
                yield token_of(place, kind, expiry, strike), place, kind, strike, until, rank, shape.lot


def _is_monthly(expiry: date) -> bool:
    return (expiry + timedelta(days=7)).month != expiry.month


def _expiry(token: int) -> date | None:
    days = (token >> 12) % 8192
    return _FIRST_DAY + timedelta(days=days) if days else None
