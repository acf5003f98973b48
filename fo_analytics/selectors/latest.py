"""The newest state of every contract of an underlying, from the minutes of one session."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from django.db.models import Q

from fo_analytics.domain.layout import Contract
from fo_analytics.models import Instrument, Underlying
from fo_analytics.selectors.chains import STATE_COLUMNS, milliseconds, session_begun, stored_states
from fo_analytics.selectors.reference import SECONDS, calendar, contracts_of
from tradingviz.core.cache import remembered

Columns = dict[str, npt.NDArray[np.float64]]

_STAMPS = ("last_ts", "oi_ts", "quote_ts", "time_ms")


@dataclass(frozen=True, slots=True)
class Latest:
    """What the closed minutes of the session say of `contracts` (n), those that ticked in it; columns (n,).

    `values` has float64 columns, NaN for not known: `close` the last price and `bid` and `ask` in rupees; `bid_qty`,
    `ask_qty`, `oi`, `volume` (of the newest minute) and `cumulative` (of the day) in units; `forward`, `iv`,
    `iv_reason` and Greeks as the newest minute has them, in the units of models.series.BarValues. `stamps` has int64
    columns, ms UTC, 0 for never: `time_ms` the newest minute's open, `last_ts`, `oi_ts` and `quote_ts` what price,
    open interest and quote are of.
    """

    contracts: tuple[Contract, ...]
    values: dict[str, npt.NDArray[np.float64]]
    stamps: dict[str, npt.NDArray[np.int64]]


def latest_states(*, underlying: Underlying, as_of_ms: int) -> Latest:
    """Return the newest state of the spot and of every contract alive in the session that had begun last.

    Minutes count that had closed at the instant (ms UTC). Nothing of an earlier session is carried over. One query, one
    more where the contracts are not remembered.
    """
    session = session_begun(as_of_ms, calendar(exchange=underlying.exchange))
    if session is None:
        return _latest({}, dict.fromkeys(("instrument_id", *STATE_COLUMNS), np.empty(0)))
    contracts = _alive(underlying_id=underlying.pk, day=session.date)
    found = stored_states(
        instrument_ids=contracts, columns=STATE_COLUMNS, first=session, last=session, until_ms=as_of_ms
    )
    return _latest(contracts, found)


@remembered(seconds=SECONDS)
def _alive(*, underlying_id: int, day: date) -> dict[int, Contract]:
    """Return the spot and the contracts listed on a day that have not expired before it, by their keys."""
    alive, listed = Q(expiry=None) | Q(expiry__gte=day), Q(valid_from=None) | Q(valid_from__lte=day)
    rows = Instrument.objects.filter(
        alive, listed, Q(valid_to=None) | Q(valid_to__gte=day), underlying_id=underlying_id
    )
    return {contract.instrument_id: contract for _, contract in contracts_of(rows)}


def _latest(contracts: dict[int, Contract], found: Columns) -> Latest:
    return Latest(
        contracts=tuple(contracts[instrument_id] for instrument_id in found["instrument_id"].astype(np.int64).tolist()),
        values={name: found[name] for name in STATE_COLUMNS if name not in _STAMPS},
        stamps={name: milliseconds(found[name]) for name in _STAMPS},
    )
