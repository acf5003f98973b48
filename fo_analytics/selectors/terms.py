"""Contracts whose terms changed while they were listed: a corporate action, or a new lot."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from fo_analytics.models import Instrument, SupersededTerms


class TermsChange(NamedTuple):
    """The first day on which other terms held, and what they are: `lot size 75 to 65`."""

    date: date
    what: str


def terms_changed(*, instrument_ids: Iterable[int], since: date | None = None) -> dict[int, TermsChange]:
    """Return the first change of each instrument's lot or tick that took effect after `since` (default: ever).

    Instruments without one are absent. One query.
    """
    rows = SupersededTerms.objects.filter(instrument__in=set(instrument_ids)).select_related("instrument")
    found: dict[int, TermsChange] = {}
    later: dict[int, SupersededTerms] = {}
    # From the last change back: what follows each one is then known.
    for row in sorted(rows, key=lambda row: row.valid_to, reverse=True):
        after = later.get(row.instrument_id, row.instrument)
        later[row.instrument_id] = row
        if since is None or row.valid_to >= since:
            found[row.instrument_id] = TermsChange(row.valid_to + timedelta(days=1), _what(row, after))
    return found


def _what(before: SupersededTerms, after: SupersededTerms | Instrument) -> str:
    changes = (("lot size", before.lot_size, after.lot_size), ("tick", before.tick_size, after.tick_size))
    return ", ".join(f"{name} {old} to {new}" for name, old, new in changes if old != new)
