"""What an instrument trades at now, for a trade of which no price was given."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain_view import strike_key
from fo_analytics.models import Bar, Instrument
from fo_analytics.selectors.chains import live_state
from fo_analytics.selectors.reference import calendar
from fo_analytics.topics import chain_topic
from strategies.domain.m2m import FRESH_MS
from strategies.domain.money import price_of

SIDES = {"CE": "call", "PE": "put"}
# A minute is stored after its end.
_STORED_WITHIN = timedelta(minutes=2)


def live_price(*, instrument: Instrument, now: datetime) -> Decimal | None:
    """Return the last price, rupees, of a market that is open at an aware instant.

    None where it is closed, nothing is known, or the price is older than 60 s (of what has no chain: two minutes).
    """
    if not calendar(exchange=instrument.underlying.exchange).is_open(now):
        return None
    if instrument.strike is None:
        return _stored(instrument, now)
    cell = _cell(instrument)
    price, stamp = cell.get("last"), cell.get("last_ts")
    if price is None or stamp is None or not 0 <= to_ms(now) - stamp <= FRESH_MS:
        return None
    return price_of(price)


def _cell(instrument: Instrument) -> dict[str, Any]:
    """The option in what is live of its chain; empty where it is not there."""
    if instrument.expiry is None or instrument.strike is None:
        return {}
    state = live_state(topic=chain_topic(instrument.underlying.symbol, instrument.expiry))
    rows: dict[str, Any] = state.document["strikes"] if state else {}
    cell: dict[str, Any] = rows.get(strike_key(float(instrument.strike)), {}).get(SIDES[instrument.kind], {})
    return cell


def _stored(instrument: Instrument, now: datetime) -> Decimal | None:
    bars = Bar.objects.filter(instrument=instrument, close__isnull=False, last_at__isnull=False)
    newest = bars.filter(last_at__gte=now - _STORED_WITHIN, last_at__lte=now, time__gte=now - 2 * _STORED_WITHIN)
    price = newest.order_by("-time").values_list("close", flat=True).first()
    return None if price is None else price_of(price)
