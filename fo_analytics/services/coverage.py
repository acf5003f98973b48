"""Coverage: how much of each session is stored, counted by one statement."""

from datetime import date
from typing import Any

from django.db import connection

from fo_analytics.models import Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.sessions import calendar_of


def refresh_coverage(*, first: date, last: date) -> int:
    """Count the bars of the sessions from `first` to `last` anew; return the rows written."""
    written = 0
    for exchange in Underlying.objects.values_list("exchange", flat=True).distinct():
        for session in calendar_of(exchange=exchange).sessions_between(first, last):
            parameters: dict[str, Any] = {
                "exchange": exchange,
                "date": session.date,
                "from": session.opens_at,
                "to": session.closes_at,
                "minutes": session.minutes,
            }
            with connection.cursor() as cursor:
                cursor.execute(query("refresh_coverage"), parameters)
                written += cursor.rowcount
    return written
