"""Chains at the close of a bucket: which bucket had closed last, and what was traded in it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from fo_analytics.domain.calendar import MINUTE_MS, Calendar, from_ms, ist_date, to_ms
from fo_analytics.domain.document import with_volume
from fo_analytics.domain.timeframes import MINUTES, Bucket, last_closed
from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.chains import market_instant, session_begun
from fo_analytics.selectors.reference import calendar, contracts_listed, find_underlying
from fo_analytics.selectors.strike_distribution import Distribution
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest
from tradingviz.core.sql import array_text, read_numbers

KINDS = ("CE", "PE")
Contract = tuple[date | None, str, float]


def closed_bucket(*, underlying: str, timeframe: str, at: int | None) -> Bucket:
    """Return the last bucket that had closed by an instant (ms UTC; None: by what is live).

    Raises InvalidRequest for an unknown underlying and before the first known session, NotAvailable where nothing is
    known yet.
    """
    found = find_underlying(name=underlying)
    sessions = calendar(exchange=found.exchange)
    instant = _heard_until(found, sessions) if at is None else at
    session = session_begun(instant, sessions)
    while session is not None:
        if bucket := last_closed(session, instant, minutes=MINUTES[timeframe]):
            return bucket
        session = sessions.last_session_before(session.date)
    raise InvalidRequest("no session of this exchange is known that had begun by then", field="at")


def _heard_until(underlying: Underlying, sessions: Calendar) -> int:
    """Return the newest instant known (ms UTC): the close of a session that is over and was heard of to the end."""
    newest = market_instant(underlying=underlying)
    session = sessions.session_on(ist_date(from_ms(newest)))
    closes = to_ms(session.closes_at) if session else 0
    return closes if closes - MINUTE_MS <= newest < closes <= now_ms() else newest


def with_volumes_of(*, found: Distribution, bucket: Bucket) -> Distribution:
    """Return stored chains with the volume (units) that was traded in a bucket instead of the day's; one query."""
    ids = _ids(found.underlying, found.expiries)
    traded = _traded(list(ids.values()), bucket)
    chains = []
    for expiry, answer in zip(found.expiries, found.chains, strict=True):
        view = answer.view
        held = [[traded.get(ids.get((expiry, kind, strike), 0), 0.0) for strike in view.strike] for kind in KINDS]
        volume = np.where(np.isnan(view.field("volume")), np.nan, np.array(held).reshape(2, -1))
        chains.append(replace(answer, chain=with_volume(view, volume)))
    return replace(found, chains=tuple(chains))


def _ids(underlying: Underlying, expiries: Sequence[date]) -> Mapping[Contract, int]:
    listed = contracts_listed(underlying_id=underlying.pk, expiries=expiries)
    return {(one.expiry, one.kind, one.strike): one.instrument_id for one in listed}


def _traded(instrument_ids: Sequence[int], bucket: Bucket) -> Mapping[int, float]:
    """Return the units traded of each instrument that has a minute in a bucket."""
    parameters = {
        "instrument_ids": array_text(instrument_ids),
        "from": from_ms(bucket.opens_ms),
        "to": from_ms(bucket.closes_ms),
    }
    source = f"({query('bucket_volumes')}) AS found (instrument_id, volume)"
    rows = read_numbers(source, parameters, ("instrument_id", "volume"))
    return dict(zip(rows["instrument_id"].astype(int).tolist(), np.nan_to_num(rows["volume"]).tolist(), strict=True))
