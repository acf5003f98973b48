"""What accounts ask of the market: last prices by token, and whether a date is a session."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from accounts.valuation import Quote
from fo_analytics.domain.calendar import to_ms
from fo_analytics.models import TradingSession
from fo_analytics.queries import query

# An older price is none: the contract has not traded since.
DAYS_BACK = 7


class StoredMarket:
    """The market as ingest stored it; a price may be as old as its minute."""

    def quotes(self, tokens: Collection[int]) -> Mapping[int, Quote]:
        """Return the newest price of the last DAYS_BACK days of each token that the master knows; one query."""
        if not tokens:
            return {}
        since = timezone.now() - timedelta(days=DAYS_BACK)
        with connection.cursor() as cursor:
            cursor.execute(query("last_prices"), {"tokens": list(tokens), "since": since})
            rows = cursor.fetchall()
        return {
            token: Quote(None if close is None else Decimal(str(close)), last_at and to_ms(last_at), expiry)
            for token, expiry, close, last_at in rows
        }

    def is_session(self, day: date) -> bool:
        """Return whether a date is a session of any exchange; of a date beyond the table's end, every weekday is."""
        known = TradingSession.objects.filter(date__gte=day).order_by("date").values_list("date", flat=True).first()
        return day.weekday() < 5 if known is None else known == day
