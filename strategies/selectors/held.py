"""What strategies hold: of these instruments ingest keeps second marks, and the feed has to send them."""

from collections import defaultdict

from fo_analytics.held import Kinds
from strategies import models
from strategies.domain.m2m import Valuation
from strategies.domain.positions import FOREVER

_KINDS = {Valuation.LAST.value: Kinds.LAST, Valuation.MID.value: Kinds.MID}


def held_instruments() -> dict[int, int]:
    """Return what open legs of active strategies are valued at: fo_analytics.held.Kinds by instrument. One query."""
    active = models.LegState.objects.filter(until=FOREVER, strategy__status=models.Strategy.Status.ACTIVE)
    open_now = active.exclude(units=0).exclude(instrument=None)
    found: dict[int, int] = defaultdict(int)
    for instrument_id, valuation in open_now.order_by().values_list("instrument_id", "strategy__valuation").distinct():
        found[instrument_id] |= _KINDS[valuation]
    return dict(found)
