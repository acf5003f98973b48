"""Three sessions of random rows: the money wanders, minutes are missing, contracts expire ten minutes before a close.

Monday to Wednesday, 2026-08-03 to 05, 09:15 to 15:40; contracts of Tuesday stop at 15:30. Oddities: the 25,100 put is
not listed anywhere; strike 25,050 is listed between its neighbours on Wednesday; 24,800 is withdrawn after Monday.
"""

from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import product

import numpy as np

from fo_analytics.domain.calendar import Calendar, Session
from fo_analytics.models import Bar, ChainMetric, Instrument, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.rollups import roll_up

SYMBOL = "NIFTY"
MONDAY, TUESDAY, WEDNESDAY = date(2026, 8, 3), date(2026, 8, 4), date(2026, 8, 5)
EXPIRIES = (TUESDAY, date(2026, 8, 11), date(2026, 8, 18))
STRIKES = tuple(24_700.0 + 100 * rung for rung in range(7))
LATER, WITHDRAWN, ONE_SIDED = 25_050.0, 24_800.0, 25_100.0
COLUMNS = (
    "open", "high", "low", "close", "bid", "ask", "forward", "iv", "delta", "gamma", "theta", "vega", "rho",
)  # fmt: skip


@cache
def known_calendar() -> Calendar:
    """Return the calendar, read once: no test here changes it."""
    return calendar_of(exchange="NSE")


def sessions() -> list[Session]:
    """Return the three sessions."""
    return known_calendar().sessions_between(MONDAY, WEDNESDAY)


def open_market() -> None:
    """List the contracts, store minutes and measures of every expiry, roll them up."""
    keys = [ContractKey(SYMBOL, "SPOT")] + [
        ContractKey(SYMBOL, kind, expiry, strike)
        for expiry, strike, kind in product(EXPIRIES, STRIKES, ("CE", "PE"))
        if (strike, kind) != (ONE_SIDED, "PE")
    ]
    ensure_instruments(keys=keys, seen_on=date(2026, 7, 1))
    ensure_instruments(keys=[ContractKey(SYMBOL, "CE", day, LATER) for day in EXPIRIES], seen_on=WEDNESDAY)
    Instrument.objects.filter(strike=str(WITHDRAWN)).update(valid_to=MONDAY)
    random = np.random.default_rng(7)
    for session in sessions():
        Bar.objects.bulk_create(_bars(session, random), batch_size=1000)
        ChainMetric.objects.bulk_create(_metrics(session, random), batch_size=1000)
    roll_up(first=MONDAY, last=WEDNESDAY)


def is_listed(contract: Instrument, session: Session) -> bool:
    """Return whether a contract was listed on the day of a session."""
    assert contract.valid_from is not None
    assert contract.valid_to is not None
    return contract.valid_from <= session.date <= contract.valid_to


def _bars(session: Session, random: np.random.Generator) -> Iterator[Bar]:
    """Return bars of about every fourth minute; a fifth of them without a price, some without Greeks."""
    for instrument in Instrument.objects.order_by("pk"):
        if instrument.expiry is not None and not is_listed(instrument, session):
            continue
        for time in session.bucket_starts:
            if random.random() < 0.25 and (instrument.expiry != session.date or time < session.expires_at):
                numbers = dict(zip(COLUMNS, random.random(len(COLUMNS)).tolist(), strict=True))
                known = {name: value for name, value in numbers.items() if random.random() < 0.8}
                yield Bar(instrument=instrument, time=time, oi=int(random.integers(1, 999)), **known)


def _metrics(session: Session, random: np.random.Generator) -> Iterator[ChainMetric]:
    """Return measures of about every second minute, some without a strike at the money."""
    owner = Underlying.objects.get(symbol=SYMBOL)
    for expiry, time in product(EXPIRIES, session.bucket_starts):
        expired = expiry < session.date or (expiry == session.date and time >= session.expires_at)
        if expired or random.random() < 0.5:
            continue
        listed = [strike for strike in STRIKES if strike != WITHDRAWN or session.date == MONDAY]
        money = None if random.random() < 0.1 else float(random.choice(listed))
        yield ChainMetric(underlying=owner, expiry=expiry, time=time, forward_source="parity", atm_strike=money)
