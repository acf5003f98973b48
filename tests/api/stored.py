"""A stored market for questions over time: random rows, holes everywhere, and expectations by pandas.

Friday, 31-Jul, to Wednesday, 5-Aug-2026, over a weekend: contracts of Tuesday stop at 15:30, while trading goes on to
15:40 from Monday on. And a split session, 24-Feb-2021: 09:15 to 11:40 and 15:45 to 17:00. Of 25,100 there is no put.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from fo_analytics.domain.calendar import Calendar, Session, ist_date
from fo_analytics.models import Bar, ChainMetric, Instrument, Underlying
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services.rollups import roll_up

SYMBOL = "NIFTY"
FRIDAY, MONDAY, TUESDAY, WEDNESDAY = date(2026, 7, 31), date(2026, 8, 3), date(2026, 8, 4), date(2026, 8, 5)
NEXT, SPLIT, OLD = date(2026, 8, 11), date(2021, 2, 24), date(2021, 2, 25)
DAYS = (SPLIT, FRIDAY, MONDAY, TUESDAY, WEDNESDAY)
EXPIRIES = (OLD, TUESDAY, NEXT)
STRIKES = tuple(24_800.0 + 100 * rung for rung in range(5))
ONE_SIDED = 25_100.0
MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "1d": 1440}
PRICES = ("open", "high", "low", "close", "bid", "ask", "forward", "iv", "delta", "gamma", "theta", "vega", "rho")
IV_REASONS = (
    None, "no_price", "below_intrinsic", "above_maximum", "no_time_value", "expired", "stale", "no_spot",
)  # fmt: skip
METRICS = ("spot", "forward", "atm_iv", "straddle", "pcr_oi", "pcr_volume", "max_pain")
AMOUNTS = ("call_oi", "put_oi", "call_volume", "put_volume")


@cache
def known_calendar() -> Calendar:
    """Return the calendar, read once: no test here changes it."""
    return calendar_of(exchange="NSE")


def sessions() -> list[Session]:
    """Return the sessions that have rows."""
    return [session for day in DAYS if (session := known_calendar().session_on(day)) is not None]


def store_market() -> None:
    """List the contracts, store minutes and measures, roll them up."""
    known_calendar.cache_clear()
    owner = Underlying.objects.create(symbol=SYMBOL, exchange="NSE")
    Instrument.objects.bulk_create(_contracts(owner))
    random = np.random.default_rng(11)
    for session in sessions():
        Bar.objects.bulk_create(_bars(session, random), batch_size=2000)
        ChainMetric.objects.bulk_create(_metrics(session, random), batch_size=2000)
        roll_up(first=session.date, last=session.date)


def _contracts(owner: Underlying) -> Iterator[Instrument]:
    yield Instrument(underlying=owner, kind="SPOT", token=1, tradingsymbol="NIFTY 50")
    for number, (expiry, strike, kind) in enumerate(product(EXPIRIES, STRIKES, ("CE", "PE"))):
        if (strike, kind) != (ONE_SIDED, "PE"):
            yield Instrument(
                underlying=owner, kind=kind, expiry=expiry, strike=Decimal(strike), token=100 + number, lot_size=65,
                tradingsymbol=f"NIFTY{expiry:%y%m%d}{strike:.0f}{kind}", tick_size=Decimal("0.05"),
                valid_from=date(expiry.year, 1, 1), valid_to=expiry,
            )  # fmt: skip


def _bars(session: Session, random: np.random.Generator) -> Iterator[Bar]:
    alive = Instrument.objects.exclude(expiry__lt=session.date).exclude(valid_from__gt=session.date)
    for instrument in alive.order_by("pk"):
        for time in session.bucket_starts:
            over = instrument.expiry == session.date and time >= session.expires_at
            if not over and random.random() < 0.3:
                numbers = _numbers(PRICES, ("oi", "volume"), random)
                reason = 0 if "iv" in numbers else 1 + time.minute % (len(IV_REASONS) - 1)
                yield Bar(instrument=instrument, time=time, iv_reason=reason, **numbers)


def _metrics(session: Session, random: np.random.Generator) -> Iterator[ChainMetric]:
    owner = Underlying.objects.get(symbol=SYMBOL)
    for expiry, time in product(EXPIRIES, session.bucket_starts):
        over = expiry < session.date or (expiry == session.date and time >= session.expires_at)
        listed = expiry.year == session.date.year
        if listed and not over and random.random() < 0.4:
            money = float(random.choice(STRIKES)) if random.random() < 0.9 else None
            numbers = _numbers(METRICS, AMOUNTS, random)
            yield ChainMetric(
                underlying=owner, expiry=expiry, time=time, forward_source="parity", atm_strike=money, **numbers
            )


def _numbers(prices: tuple[str, ...], amounts: tuple[str, ...], random: np.random.Generator) -> dict[str, Any]:
    """Return random numbers, each absent one time in eight."""
    drawn: dict[str, Any] = dict(zip(prices, (1 + random.random(len(prices))).tolist(), strict=True))
    drawn |= dict(zip(amounts, random.integers(1, 9_999, len(amounts)).tolist(), strict=True))
    return {name: value for name, value in drawn.items() if random.random() > 1 / 8}


# ---------------------------------------------------------------- expectations


def meaning(expiry: str, instant: datetime) -> date:
    """Return what a weekly label or a date means at an instant."""
    if not expiry.startswith("NWeek+"):
        return date.fromisoformat(expiry)
    listed = [day for day in EXPIRIES if day.year == instant.year]
    return [day for day in listed if instant < known_calendar().expires_at(day)][int(expiry.removeprefix("NWeek+"))]


def metric_rows(expiry: str, timeframe: str, first: datetime, last: datetime) -> pd.DataFrame:
    """Return the newest minute of measures in each bucket that opens in [first, last), by the bucket's open."""
    fields = [field.name for field in ChainMetric._meta.fields if field.name not in ("pk", "underlying")]
    minutes = pd.DataFrame(ChainMetric.objects.values_list(*fields), columns=fields)
    opens = {session.date: session.opens_at for session in sessions()}
    anchors = pd.to_datetime(minutes["time"].map(ist_date).map(opens), utc=True)
    width = pd.Timedelta(minutes=MINUTES[timeframe])
    minutes["bucket"] = anchors + (minutes["time"] - anchors) // width * width
    meant = minutes["bucket"].map(lambda at: meaning(expiry, at) if first <= at < last else None)
    held = minutes[meant == minutes["expiry"]].sort_values("time")
    return held.groupby("bucket").tail(1).set_index("bucket")


def clean(values: Any) -> list[Any]:
    """Return a column as JSON has it: null where there is no number."""
    return [None if pd.isna(value) else value for value in values]


def seconds(index: Any) -> list[int]:
    """Return stamps as Unix seconds."""
    return [int(pd.Timestamp(at).timestamp()) for at in index]
