"""How many bars there are."""

from collections.abc import Collection

from fo_analytics.domain.calendar import MINUTE_MS, from_ms
from fo_analytics.models import Bar


def count_bars(*, underlyings: Collection[str], first_ms: int, last_ms: int) -> int:
    """Return the number of stored minutes of some underlyings' instruments from one stamp to another (ms UTC)."""
    first = from_ms(first_ms - first_ms % MINUTE_MS)
    bars = Bar.objects.filter(instrument__underlying__symbol__in=underlyings)
    return bars.filter(time__gte=first, time__lte=from_ms(last_ms)).count()
