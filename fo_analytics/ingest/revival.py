"""What Redis does not know any more although the database does: a market that stands still is not published again."""

from collections.abc import Iterable
from datetime import date, time

import redis

from fo_analytics.domain.calendar import ist_date, ist_instant
from fo_analytics.ingest.master import Listing
from fo_analytics.models import ChainMetric
from fo_analytics.topics import underlying_topic
from streaming.state import state_key


def unpublished(client: redis.Redis, listings: Iterable[Listing]) -> list[tuple[int, date]]:
    """Return the underlyings without a live state that the newest stored day has, with that day.

    Raises redis.RedisError, django.db.Error.
    """
    lost = [listing for listing in listings if not client.exists(state_key(underlying_topic(listing.symbol)))]
    newest = ChainMetric.objects.order_by("-time").values_list("time", flat=True).first() if lost else None
    if newest is None:
        return []
    day = ist_date(newest)
    since = ist_instant(day, time.min)
    stored = set(ChainMetric.objects.filter(time__gte=since).values_list("underlying_id", flat=True).distinct())
    return [(listing.underlying_id, day) for listing in lost if listing.underlying_id in stored]
