"""What an instrument trades at now, for a trade of which no price was given."""

from datetime import datetime
from decimal import Decimal

from fo_analytics.domain.calendar import MINUTE_MS, to_ms
from fo_analytics.models import Instrument
from fo_analytics.selectors.chains import LIVE
from fo_analytics.selectors.quotes import latest_quotes
from fo_analytics.selectors.reference import calendar
from strategies.domain.m2m import FRESH_MS
from strategies.domain.money import price_of

# A minute is stored after its end.
_STORED_WITHIN_MS = 2 * MINUTE_MS


def live_price(*, instrument: Instrument, now: datetime) -> Decimal | None:
    """Return the last price, rupees, of a market that is open at an aware instant.

    None where it is closed, nothing is known, or the price is older than 60 s (of what is not published: two minutes).
    """
    if not calendar(exchange=instrument.underlying.exchange).is_open(now):
        return None
    quote = latest_quotes(instrument_ids=[instrument.pk])[instrument.pk]
    fresh_ms = FRESH_MS if quote.source == LIVE else _STORED_WITHIN_MS
    if quote.last is None or not 0 <= to_ms(now) - quote.last_ts <= fresh_ms:
        return None
    return price_of(quote.last)
